/** The Kubernetes manifests and the chart agree with the image, with the gateway and with each other. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { AT_NEXT_START, AT_ONCE } from '../../src/config/takes-effect.ts';
import { runTool, testWith } from '../tools.ts';
import { checkConfig, checkGrace } from './checks.ts';
import { image } from './dockerfile.ts';
import { at, byKind, load, manifests, ROOT, read, readDocument, secretsIn } from './files.ts';

const VERSION = at<string>(JSON.parse(read('package.json')), 'version');
const scratch = mkdtempSync(join(tmpdir(), 'patchbay-deploy-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What holds for a pod, of the manifests and of the chart. */
function checkPod(objects: Readonly<Record<string, unknown>>): void {
  const pod = at(objects.Deployment, 'spec.template.spec');
  const container = at(pod, 'containers.patchbay');
  const { user, env, ports } = image();
  expect(at(container, 'image')).toBe(`patchbay:${VERSION}`);
  expect(at(container, 'args')).toEqual(['serve', '--config', '/etc/patchbay/patchbay.yaml']);
  expect(at(container, 'ports')).toEqual([{ name: 'http', containerPort: ports[0] }]);
  for (const [probe, path] of Object.entries({ startup: '/readyz', readiness: '/readyz', liveness: '/healthz' }))
    expect(at(container, `${probe}Probe.httpGet`)).toEqual({ path, port: 'http' });
  // restricted, of the Pod Security Standards
  expect(at(pod, 'securityContext')).toMatchObject({
    runAsNonRoot: true,
    runAsUser: Number(user.split(':')[0]),
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(at(container, 'securityContext')).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const mounts = at<{ name: string; mountPath: string }[]>(container, 'volumeMounts');
  const paths = Object.fromEntries(mounts.map(({ name, mountPath }) => [name, mountPath]));
  expect(paths).toEqual({
    config: '/etc/patchbay',
    secrets: '/run/secrets/patchbay',
    state: env.STATE_DIRECTORY,
    home: env.HOME,
    tmp: '/tmp',
  });
  expect(new Set(at<{ name: string }[]>(pod, 'volumes').map(({ name }) => name))).toEqual(new Set(Object.keys(paths)));
  const labels = at(objects.Deployment, 'spec.template.metadata.labels');
  for (const selector of [
    at(objects.Deployment, 'spec.selector.matchLabels'),
    at(objects.Service, 'spec.selector'),
    at(objects.NetworkPolicy, 'spec.podSelector.matchLabels'),
  ])
    expect(labels).toMatchObject(selector as object);
  expect(at(objects.Service, 'spec.ports.0.targetPort')).toBe('http');
  expect(at(objects.NetworkPolicy, 'spec.ingress.0.ports')).toEqual([{ protocol: 'TCP', port: ports[0] }]);
  const config = at<string>(objects.ConfigMap, 'data')['patchbay.yaml' as never] as string;
  checkConfig(config);
  const loaded = load(config);
  if (!loaded.ok) return;
  expect(loaded.config.secrets.folders).toEqual([paths.secrets]);
  if (objects.Ingress)
    expect(loaded.config.server.publicUrl).toBe(`https://${at<string>(objects.Ingress, 'spec.rules.0.host')}`);
}

describe('deploy/kubernetes', () => {
  const objects = manifests('deploy/kubernetes');

  test('agrees with the image and with itself', () => {
    checkPod(objects);
    const config = at<Record<string, string>>(objects.ConfigMap, 'data')['patchbay.yaml']!;
    checkGrace(at(objects.Deployment, 'spec.template.spec.terminationGracePeriodSeconds'), config);
    expect(Object.keys(at<object>(objects.Secret, 'stringData'))).toEqual(secretsIn(config));
  });

  test('does not start with the key that is written in secret.yaml', () => {
    const key = at<Record<string, string>>(objects.Secret, 'stringData')['storage-key']!;
    const refused = load(`storage: { key: ${key} }\nupstreams: {}`);
    expect(refused).toMatchObject({ ok: false, problems: [{ path: 'storage.key', message: 'is too short' }] });
  });

  testWith(['kubectl', 'kubernetes-validate'], 'is built by kubectl, and is what the API server takes', () => {
    const built = runTool('kubectl', ['kustomize', join(ROOT, 'deploy/kubernetes')]);
    expect(built).toMatchObject({ code: 0 });
    expect(Object.keys(byKind(built.stdout)).sort()).toEqual(Object.keys(objects).sort());
    validate(built.stdout);
  });
});

/** Against the schemas of the API, the oldest that is supported and a new one. */
function validate(text: string): void {
  const file = join(scratch, 'all.yaml');
  writeFileSync(file, text);
  for (const version of ['1.25', '1.37'])
    expect(runTool('kubernetes-validate', ['--strict', '--quiet', '-k', version, file])).toMatchObject({ code: 0 });
}

describe('deploy/helm/patchbay', () => {
  const chart = join(ROOT, 'deploy/helm/patchbay');
  const template = (...set: string[]) =>
    runTool('helm', [
      'template',
      'patchbay',
      chart,
      '--kube-version',
      '1.31.0',
      ...set.flatMap((one) => ['--set', one]),
    ]);

  test('is of the version of the package', () => {
    expect(readDocument('deploy/helm/patchbay/Chart.yaml')).toMatchObject({ version: VERSION, appVersion: VERSION });
  });

  testWith(['helm'], 'passes helm lint', () => {
    expect(runTool('helm', ['lint', '--strict', '--kube-version', '1.31.0', chart])).toMatchObject({ code: 0 });
  });

  testWith(['helm', 'kubernetes-validate'], 'makes what deploy/kubernetes has', () => {
    const made = template('ingress.enabled=true');
    expect(made).toMatchObject({ code: 0 });
    const objects = byKind(made.stdout);
    checkPod(objects);
    const byHand = manifests('deploy/kubernetes');
    expect(Object.keys(objects).sort()).toEqual(
      Object.keys(byHand)
        .filter((kind) => kind !== 'Namespace')
        .sort(),
    );
    for (const kind of ['Deployment', 'NetworkPolicy', 'Ingress', 'PersistentVolumeClaim'])
      expect(specWithoutLabels(objects[kind]), kind).toEqual(specWithoutLabels(byHand[kind]));
    const key = Buffer.from(at<Record<string, string>>(objects.Secret, 'data')['storage-key']!, 'base64').toString();
    expect(key.length).toBeGreaterThanOrEqual(32);
    validate(made.stdout);
  });

  testWith(['helm', 'kubernetes-validate'], 'leaves out what values turn off, and takes what they name', () => {
    const made = template(
      'existingSecret=mine',
      'persistence.enabled=false',
      'networkPolicy.from=null',
      'image.tag=0.1.0-full',
      'config.upstreams.everything=null',
      'config.upstreams.docs.url=https://docs.example.com/mcp',
    );
    expect(made).toMatchObject({ code: 0 });
    validate(made.stdout);
    const objects = byKind(made.stdout);
    expect(Object.keys(objects).sort()).toEqual(['ConfigMap', 'Deployment', 'NetworkPolicy', 'Service']);
    expect(at(objects.Deployment, 'spec.template.spec.volumes.secrets.secret.secretName')).toBe('mine');
    expect(at(objects.Deployment, 'spec.template.spec.volumes.state')).toMatchObject({ emptyDir: {} });
    expect(at(objects.Deployment, 'spec.template.spec.containers.patchbay.image')).toBe('patchbay:0.1.0-full');
    const loaded = load(at<Record<string, string>>(objects.ConfigMap, 'data')['patchbay.yaml']!);
    if (!loaded.ok) throw new Error('the config does not load');
    expect(Object.keys(loaded.config.upstreams)).toEqual(['docs']);
    expect(loaded.config.server.publicUrl).toBe('http://127.0.0.1:8080');
  });

  testWith(['helm'], 'makes another pod for a change that a running one does not take over, and for no other', () => {
    const checksum = (...set: string[]): string => {
      const { Deployment } = byKind(template(...set).stdout);
      return at<Record<string, string>>(Deployment, 'spec.template.metadata.annotations')['checksum/restarts']!;
    };
    const before = checksum();
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    for (const section of AT_ONCE) expect(checksum(`config.${section}.any=1`), section).toBe(before);
    const loaded = load('upstreams: {}');
    if (!loaded.ok) throw new Error('the config does not load');
    const waits = Object.keys(loaded.config).filter((section) => !AT_ONCE.has(section));
    for (const key of [...waits.map((section) => `${section}.any`), ...AT_NEXT_START])
      expect(checksum(`config.${key}=1`), key).not.toBe(before);
    expect(checksum('ingress.enabled=true'), 'publicUrl').not.toBe(before);
  });

  testWith(['helm'], 'refuses values that are wrong, by name', () => {
    const refused = template('ingress.host=Upper_Case');
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('/ingress/host');
    expect(template('persistance.enabled=false').output).toContain('persistance');
  });

  testWith(['helm'], 'tells which URL to paste', () => {
    // notes are printed by an install alone, for which a cluster is needed: as a manifest, they are rendered without
    const copy = join(scratch, 'chart');
    cpSync(chart, copy, { recursive: true });
    const notes = join(copy, 'templates/notes.yaml');
    renameSync(join(copy, 'templates/NOTES.txt'), notes);
    writeFileSync(notes, `notes: |\n${readFileSync(notes, 'utf8').replace(/^/gm, '  ')}`);
    const told = runTool('helm', [
      'template',
      'patchbay',
      copy,
      '--kube-version',
      '1.31.0',
      '-s',
      'templates/notes.yaml',
    ]);
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toContain('Paste this URL into your host:  http://127.0.0.1:8080/mcp');
    expect(told.stdout).toContain('port-forward service/patchbay 8080:8080');
  });
});

/** What an object says, without its labels, which the chart has more of. */
function specWithoutLabels(object: unknown): unknown {
  const text = JSON.stringify(at(object, 'spec'), (key, value: unknown) =>
    ['labels', 'matchLabels', 'imagePullPolicy', 'annotations'].includes(key) ? undefined : value,
  );
  return JSON.parse(text);
}
