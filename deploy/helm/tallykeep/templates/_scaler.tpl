{{- /* A HorizontalPodAutoscaler by CPU: (dict "root" $ "part" "api" "scaling" …). */ -}}
{{- define "tallykeep.cpuScaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "tallykeep.fullname" .root }}-{{ .part }}
  labels: {{- include "tallykeep.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "tallykeep.fullname" .root }}-{{ .part }}
  minReplicas: {{ .scaling.minReplicas }}
  maxReplicas: {{ .scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: { type: Utilization, averageUtilization: {{ .scaling.targetCPU }} }
{{- end -}}
