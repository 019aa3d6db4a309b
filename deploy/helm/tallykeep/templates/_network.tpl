{{- /* Who may be reached or may reach, each { namespace, podLabels } or { cidr }. */ -}}
{{- define "tallykeep.peers" -}}
{{- range . }}
{{- if .cidr }}
- ipBlock: { cidr: {{ .cidr | quote }} }
{{- else }}
{{- with .namespace }}
- namespaceSelector:
    matchLabels: { kubernetes.io/metadata.name: {{ . }} }
{{- else }}
- namespaceSelector: {}
{{- end }}
{{- with .podLabels }}
  podSelector:
    matchLabels: {{- toYaml . | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Leave to reach peers, or with none of them anyone, on some ports: (dict "to" … "ports" …). */ -}}
{{- define "tallykeep.egress" -}}
- ports:
    {{- range .ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .to }}
  to: {{- include "tallykeep.peers" . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /* The pods of one part of this release, as a peer. */ -}}
{{- define "tallykeep.own" -}}
- podSelector:
    matchLabels: {{- include "tallykeep.selector" . | nindent 6 }}
{{- end -}}

{{- /* The port that a URL names or implies. */ -}}
{{- define "tallykeep.urlPort" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}

{{- define "tallykeep.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "tallykeep.fullname" .root }}-{{ .name }}
  labels: {{- include "tallykeep.labels" (dict "root" .root "part" "network") | nindent 4 }}
spec:
{{- end -}}
