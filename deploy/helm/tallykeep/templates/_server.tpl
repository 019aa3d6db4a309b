{{- /* A server of this chart, one pod: `container` is its own part, `data` and `scratch` are the folders it writes to. */ -}}
{{- define "tallykeep.server" -}}
{{- $name := printf "%s-%s" (include "tallykeep.fullname" .root) .part -}}
{{- include "tallykeep.sameServer" (merge (dict "name" $name) .) -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "tallykeep.labels" . | nindent 4 }}
spec:
  clusterIP: None
  selector: {{- include "tallykeep.selector" . | nindent 4 }}
  ports:
    - { name: {{ .part }}, port: {{ .port }}, targetPort: {{ .part }} }
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels: {{- include "tallykeep.labels" . | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ $name }}
  selector:
    matchLabels: {{- include "tallykeep.selector" . | nindent 6 }}
  template:
    metadata:
      # Without the chart's version: a new one is no reason to restart it.
      labels:
        {{- include "tallykeep.selector" . | nindent 8 }}
        {{- with .root.Values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "tallykeep.serviceAccount" .root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      securityContext: {{- include "tallykeep.podSecurity" .values.podSecurityContext | nindent 8 }}
      {{- with include "tallykeep.placement" .values | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .part }}
          image: {{ .values.image }}
          ports:
            - { name: {{ .part }}, containerPort: {{ .port }} }
          securityContext: {{- include "tallykeep.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml .values.resources | nindent 12 }}
          {{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
          {{ $probe }}:
            exec: { command: {{ toJson $.alive }} }
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: {{ eq $probe "startupProbe" | ternary 60 6 }}
          {{- end }}
          {{- .container | nindent 10 }}
          volumeMounts:
            - { name: data, mountPath: {{ .data }} }
            {{- range $volume, $path := .scratch }}
            - { name: {{ $volume }}, mountPath: {{ $path }} }
            {{- end }}
      volumes:
        {{- range $volume, $path := .scratch }}
        - name: {{ $volume }}
          emptyDir: { sizeLimit: 64Mi }
        {{- end }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .values.storage.className }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: { storage: {{ .values.storage.size }} }
{{- end -}}
