{{- define "tallykeep.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "tallykeep.fullname" -}}
{{- $name := include "tallykeep.name" . -}}
{{- $full := .Values.fullnameOverride | default (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) -}}
{{- $full | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* What selects the pods of a part: (dict "root" $ "part" "api"). */ -}}
{{- define "tallykeep.selector" -}}
app.kubernetes.io/name: {{ include "tallykeep.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- /* The labels of an object: those, `more` of its own, and yours for all. */ -}}
{{- define "tallykeep.labels" -}}
{{ include "tallykeep.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with merge (dict) (.more | default dict) .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tallykeep.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tallykeep.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "tallykeep.fullname" .) "default") -}}
{{- end -}}

{{- /* The Secret that the chart makes for its own servers. */ -}}
{{- define "tallykeep.generated" -}}
{{ include "tallykeep.fullname" . }}-generated
{{- end -}}
