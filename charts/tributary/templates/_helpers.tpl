{{- define "tributary.name" -}}
{{- if contains "tributary" .Release.Name -}}
{{ printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-tributary-operator" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "tributary.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "tributary.selector" -}}
app.kubernetes.io/name: tributary
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tributary.labels" -}}
{{ include "tributary.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
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
  verbs: [create]
{{- end -}}
