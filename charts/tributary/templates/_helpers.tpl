{{- define "tributary.name" -}}
{{- $chart := .Values.nameOverride | default "tributary" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $chart .Release.Name -}}
{{ printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s-operator" .Release.Name $chart | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{/* Of objects that belong to it: "<name>-<suffix>" within 63 characters. */}}
{{- define "tributary.part" -}}
{{- $suffix := index . 1 -}}
{{ printf "%s-%s" (include "tributary.name" (index . 0) | trunc (sub 62 (len $suffix) | int) | trimSuffix "-") $suffix }}
{{- end -}}

{{- define "tributary.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "tributary.name" .) }}
{{- else -}}
{{ required "serviceAccount.name names the ServiceAccount that is there, where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "tributary.image" -}}
{{- with .Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end -}}

{{- define "tributary.selector" -}}
app.kubernetes.io/name: tributary
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pods that the operator runs, whichever release's. */}}
{{- define "tributary.engines" -}}
app.kubernetes.io/name: tributary
app.kubernetes.io/component: engine
app.kubernetes.io/managed-by: tributary
{{- end -}}

{{- define "tributary.labels" -}}
{{ include "tributary.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tributary.subjects" -}}
- {kind: ServiceAccount, name: {{ include "tributary.serviceAccount" . }}, namespace: {{ .Release.Namespace }}}
{{- end -}}

{{/* What the operator does and nothing else. It writes no Secret but its own key (rbac.yaml), reads no log and enters no pod. */}}
{{- define "tributary.rules" -}}
- apiGroups: [tributary.dev]
  resources: [replications]
  verbs: [get, list, watch, patch]
- apiGroups: [tributary.dev]
  resources: [replications/status]
  verbs: [patch]
# Owner references of its Jobs and Deployments, where the cluster guards those.
- apiGroups: [tributary.dev]
  resources: [replications/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
# It applies them, which creates what is not there.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- if eq .Values.secretAccess "Watch" }}
# Names and versions only: it asks for metadata, which RBAC cannot say. The engine's pod mounts the values.
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.secretNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [list, watch]
{{- end }}
# Whether it is being deleted, asked where an engine's pod ends.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
# Why a Job has no pod.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* By which the metrics of this release's operator are selected. */}}
{{- define "tributary.scraped" -}}
job="{{ include "tributary.name" . }}", namespace="{{ .Release.Namespace }}"
{{- end -}}

{{/* Metrics of a Replication have its namespace and name; the job is the one that alerts and dashboard name. */}}
{{- define "tributary.scrape" -}}
path: /metrics
interval: {{ index . 1 }}
honorLabels: true
relabelings:
  - {targetLabel: job, replacement: {{ include "tributary.name" (index . 0) }}}
{{- end -}}
