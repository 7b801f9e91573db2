;; The inside of a JSON string, sixteen bytes at a time (RFC 8259 §7). `scripts/wasm.ts` puts it into long-string.ts.
(module
  (memory (export "memory") 1)

  ;; Looks through the memory from $p on. Returns where it stops: at a quote, at a control character, at a backslash that
  ;; begins no valid escape or one that the end cuts off, or at $end.
  (func (export "scan") (param $p i32) (param $end i32) (result i32)
    (local $v v128) (local $mask i32) (local $c i32) (local $k i32)
    (loop $next
      (if (i32.le_u (i32.add (local.get $p) (i32.const 16)) (local.get $end))
        (then
          (local.set $v (v128.load align=1 (local.get $p)))
          (local.set $mask
            (i8x16.bitmask
              (v128.or
                (v128.or
                  (i8x16.eq (local.get $v) (v128.const i8x16 34 34 34 34 34 34 34 34 34 34 34 34 34 34 34 34))
                  (i8x16.eq (local.get $v) (v128.const i8x16 92 92 92 92 92 92 92 92 92 92 92 92 92 92 92 92)))
                (i8x16.lt_u (local.get $v) (v128.const i8x16 32 32 32 32 32 32 32 32 32 32 32 32 32 32 32 32)))))
          (if (i32.eqz (local.get $mask))
            (then
              (local.set $p (i32.add (local.get $p) (i32.const 16)))
              (br $next)))
          (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $mask)))))
        (else
          (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (local.get $end))))
          (local.set $c (i32.load8_u (local.get $p)))
          (if (i32.and
                (i32.ge_u (local.get $c) (i32.const 32))
                (i32.and (i32.ne (local.get $c) (i32.const 34)) (i32.ne (local.get $c) (i32.const 92))))
            (then
              (local.set $p (i32.add (local.get $p) (i32.const 1)))
              (br $next)))))
      ;; here is a quote, a backslash or a control character
      (if (i32.ne (i32.load8_u (local.get $p)) (i32.const 92)) (then (return (local.get $p))))
      (if (i32.ge_u (i32.add (local.get $p) (i32.const 1)) (local.get $end)) (then (return (local.get $p))))
      (local.set $c (i32.load8_u offset=1 (local.get $p)))
      ;; " \ / b f n r t
      (if (i32.or
            (i32.or
              (i32.or (i32.eq (local.get $c) (i32.const 34)) (i32.eq (local.get $c) (i32.const 92)))
              (i32.or (i32.eq (local.get $c) (i32.const 47)) (i32.eq (local.get $c) (i32.const 98))))
            (i32.or
              (i32.or (i32.eq (local.get $c) (i32.const 102)) (i32.eq (local.get $c) (i32.const 110)))
              (i32.or (i32.eq (local.get $c) (i32.const 114)) (i32.eq (local.get $c) (i32.const 116)))))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 2)))
          (br $next)))
      ;; u and four hexadecimal digits
      (if (i32.ne (local.get $c) (i32.const 117)) (then (return (local.get $p))))
      (if (i32.gt_u (i32.add (local.get $p) (i32.const 6)) (local.get $end)) (then (return (local.get $p))))
      (local.set $k (i32.const 2))
      (loop $digit
        (local.set $c (i32.load8_u (i32.add (local.get $p) (local.get $k))))
        (if (i32.ge_u (i32.sub (local.get $c) (i32.const 48)) (i32.const 10))
          (then
            (if (i32.ge_u (i32.sub (i32.or (local.get $c) (i32.const 32)) (i32.const 97)) (i32.const 6))
              (then (return (local.get $p))))))
        (local.set $k (i32.add (local.get $k) (i32.const 1)))
        (br_if $digit (i32.lt_u (local.get $k) (i32.const 6))))
      (local.set $p (i32.add (local.get $p) (i32.const 6)))
      (br $next))
    (unreachable)))
