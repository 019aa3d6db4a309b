{{- /* What Kubernetes's restricted profile asks of a pod, and more. */ -}}
{{- define "tallykeep.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .group }}
fsGroup: {{ .group }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "tallykeep.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- /* A pod's spec that runs the program: (dict "root" $ "values" .Values.api "part" "api" "args" (list …)). */ -}}
{{- define "tallykeep.podSpec" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "tallykeep.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "tallykeep.podSecurity" (dict "user" 1000 "group" 1000) | nindent 2 }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: tallykeep
    image: {{ include "tallykeep.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{ toJson .args }}
    env: {{- include "tallykeep.env" . | nindent 6 }}
    securityContext: {{- include "tallykeep.containerSecurity" . | nindent 6 }}
    resources: {{- toYaml .values.resources | nindent 6 }}
    volumeMounts:
      - { name: tmp, mountPath: /tmp }
      {{- with include "tallykeep.fileMounts" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
    {{- with .more }}
    {{- . | nindent 4 }}
    {{- end }}
volumes:
  # Compiled code, kept for the next start of the container.
  - name: tmp
    emptyDir: { sizeLimit: 64Mi }
  {{- with include "tallykeep.fileVolumes" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}
