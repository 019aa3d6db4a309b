{{- /* What Kubernetes's restricted profile asks of a pod, and more; with the users of a `podSecurityContext`. */ -}}
{{- define "tallykeep.podSecurity" -}}
runAsNonRoot: true
{{- range $field, $id := . }}
{{- if not (kindIs "invalid" $id) }}
{{ $field }}: {{ int64 $id }}
{{- end }}
{{- end }}
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

{{- /* Which nodes a pod may run on, as the values of its part say. */ -}}
{{- define "tallykeep.placement" -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $ $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* A pod's spec that runs the program: (dict "root" $ "values" .Values.api "part" "api" "args" (list …)). */ -}}
{{- define "tallykeep.podSpec" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "tallykeep.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "tallykeep.podSecurity" .root.Values.podSecurityContext | nindent 2 }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with include "tallykeep.placement" .values | trim }}
{{ . }}
{{- end }}
containers:
  - name: tallykeep
    image: {{ include "tallykeep.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{ toJson .args }}
    env:
      {{- $env := include "tallykeep.env" . }}
      {{- $env | nindent 6 }}
      {{- with .root.Values.extraEnv }}
      {{- include "tallykeep.extraEnv" (dict "extra" . "known" $env) | nindent 6 }}
      {{- end }}
    securityContext: {{- include "tallykeep.containerSecurity" . | nindent 6 }}
    resources: {{- toYaml .values.resources | nindent 6 }}
    volumeMounts:
      - { name: tmp, mountPath: /tmp }
      {{- with include "tallykeep.fileMounts" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with .root.Values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
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
  {{- with .root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
