{{- /* Ports, probes and the end of a container of a role. */ -}}
{{- define "tallykeep.serving" -}}
ports:
  {{- if eq .part "api" }}
  - { name: http, containerPort: {{ .root.Values.settings.PORT }} }
  {{- end }}
  - { name: management, containerPort: {{ .root.Values.settings.MANAGEMENT_PORT }} }
# A first start, which makes the schema, may take this long: 60 x 2 s.
startupProbe:
  httpGet: { path: /health, port: management }
  periodSeconds: 2
  failureThreshold: 60
# Whether its loops get on; Redis or PostgreSQL being away is no reason for a restart.
livenessProbe:
  httpGet: { path: /health, port: management }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /ready, port: management }
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- if eq .part "api" }}
lifecycle:
  preStop:
    sleep: { seconds: {{ .root.Values.preStopSeconds }} }
{{- end }}
{{- end -}}

{{- /* The Deployment of a role: (dict "root" $ "values" .Values.api "part" "api" "scaled" false). */ -}}
{{- define "tallykeep.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "tallykeep.fullname" .root }}-{{ .part }}
  labels: {{- include "tallykeep.labels" . | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  selector:
    matchLabels: {{- include "tallykeep.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "tallykeep.labels" . | nindent 8 }}
        tallykeep/serves: metrics
        {{- with .values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      terminationGracePeriodSeconds: {{ include "tallykeep.grace" . }}
      topologySpreadConstraints:
        {{- $selector := include "tallykeep.selector" . }}
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- $selector | nindent 14 }}
        {{- end }}
      {{- include "tallykeep.podSpec" (merge (dict "args" (list (printf "--role=%s" .part)) "more" (include "tallykeep.serving" .)) .) | nindent 6 }}
{{- end -}}
