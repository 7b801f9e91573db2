{{- define "patchbay.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "patchbay.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "patchbay.labels" -}}
{{ include "patchbay.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "patchbay.secret" -}}
{{ .Values.existingSecret | default (include "patchbay.name" .) }}
{{- end }}

{{/* What clients connect to: as configured, else by the ingress, else through a forwarded port. */}}
{{- define "patchbay.publicUrl" -}}
{{- if (.Values.config.server).publicUrl -}}{{ .Values.config.server.publicUrl }}
{{- else if .Values.ingress.enabled -}}https://{{ .Values.ingress.host }}
{{- else -}}http://127.0.0.1:8080{{- end -}}
{{- end }}

{{/* What of the config a running Patchbay does not take over: a change of it makes a new pod. */}}
{{- define "patchbay.restarts" -}}
{{- $config := include "patchbay.config" . | fromYaml -}}
{{- $auth := $config.auth | default dict -}}
{{- $embedded := pick ($auth.embedded | default dict) "users" "passwords" "federation" -}}
{{- $some := dict "mode" $auth.mode "embedded" $embedded "format" ($config.log | default dict).format -}}
{{- list $some (omit $config "auth" "upstreams" "profiles" "policy" "names" "lists" "pins" "secrets" "log" "mcpServers" "servers" "$schema") | toJson | sha256sum -}}
{{- end }}

{{/* The config file: what the chart knows, under what the values say. */}}
{{- define "patchbay.config" -}}
{{- $known := dict
  "server" (dict "host" "0.0.0.0" "port" 8080 "publicUrl" (include "patchbay.publicUrl" .))
  "secrets" (dict "folders" (list "/run/secrets/patchbay"))
  "storage" (dict "key" "${secret:storage-key}") -}}
{{- toYaml (mergeOverwrite $known (deepCopy .Values.config)) -}}
{{- end }}
