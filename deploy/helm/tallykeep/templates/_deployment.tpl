{{- /* Ports, probes and the end of a container of a role. */ -}}
{{- define "tallykeep.serving" -}}
ports:
  {{- if eq .part "api" }}
  - { name: http, containerPort: {{ .root.Values.settings.PORT }} }
  {{- end }}
  - { name: management, containerPort: {{ .root.Values.settings.MANAGEMENT_PORT }} }
{{- range $probe, $path := dict "startup" "/health" "liveness" "/health" "readiness" "/ready" }}
{{ $probe }}Probe:
  httpGet: { path: {{ $path }}, port: management }
  {{- toYaml (index $.root.Values.probes $probe) | nindent 2 }}
{{- end }}
{{- if eq .part "api" }}
lifecycle:
  preStop:
    sleep: { seconds: {{ .root.Values.preStopSeconds }} }
{{- end }}
{{- end -}}

{{- /* How pods are spread over nodes and zones, where the values don't say. */ -}}
{{- define "tallykeep.spread" -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- { maxSkew: 1, topologyKey: {{ . }}, whenUnsatisfiable: ScheduleAnyway }
{{- end }}
{{- end -}}

{{- /* The Deployment of a role: (dict "root" $ "values" .Values.api "part" "api" "scaled" false). */ -}}
{{- define "tallykeep.deployment" -}}
{{- $name := printf "%s-%s" (include "tallykeep.fullname" .root) .part -}}
{{- $existing := lookup "apps/v1" "Deployment" .root.Release.Namespace $name -}}
{{- include "tallykeep.sameSelector" (merge (dict "existing" $existing) .) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "tallykeep.labels" . | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .values.replicas }}
  {{- else if $existing }}
  # Left out, it would be 1 until it is scaled again.
  replicas: {{ max (int64 $existing.spec.replicas) (int64 .values.autoscaling.minReplicas) }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  selector:
    matchLabels: {{- include "tallykeep.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "tallykeep.labels" (merge (dict "more" .values.podLabels) .) | nindent 8 }}
        tallykeep/serves: metrics
      {{- with .values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      terminationGracePeriodSeconds: {{ include "tallykeep.grace" . }}
      topologySpreadConstraints:
        {{- $pods := dict "matchLabels" (include "tallykeep.selector" . | fromYaml) }}
        {{- range .values.topologySpreadConstraints | default (include "tallykeep.spread" . | fromYamlArray) }}
        {{- hasKey . "labelSelector" | ternary . (merge (dict "labelSelector" $pods) .) | list | toYaml | nindent 8 }}
        {{- end }}
      {{- include "tallykeep.podSpec" (merge (dict "args" (list (printf "--role=%s" .part)) "more" (include "tallykeep.serving" .)) .) | nindent 6 }}
{{- end -}}
