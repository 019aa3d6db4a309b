{{- /* An environment variable from a Secret: (dict "env" "ADMIN_TOKEN" "name" … "key" …). */ -}}
{{- define "tallykeep.fromSecret" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef: { name: {{ .name }}, key: {{ .key }} }
{{- end -}}

{{- /* One of the program's secrets: yours, or else the one that the chart has made for a server of its own. */ -}}
{{- define "tallykeep.secret" -}}
{{- with index .root.Values.secrets .secret -}}
{{- if .name -}}
{{ include "tallykeep.fromSecret" (dict "env" $.env "name" .name "key" .key) }}
{{- else if $.generated -}}
{{ include "tallykeep.fromSecret" (dict "env" $.env "name" (include "tallykeep.generated" $.root) "key" $.generated) }}
{{- else if $.needed -}}
{{ fail (printf "%s is needed: set secrets.%s.name to a Secret of yours, or %s.enabled for trying out" $.env $.secret $.needed) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The whole environment of a part: (dict "root" $ "values" .Values.api "part" "api"). */ -}}
{{- define "tallykeep.env" -}}
{{- $root := .root -}}
- name: CONSUMER_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- { name: NODE_OPTIONS, value: "--max-old-space-size={{ include "tallykeep.heap" .values.resources.limits.memory }}" }
{{- range $name, $value := merge (dict) .values.settings $root.Values.settings }}
{{- if and (not (kindIs "invalid" $value)) (ne (toString $value) "") }}
- name: {{ $name }}
  value: {{ kindIs "float64" $value | ternary (int64 (kindIs "float64" $value | ternary $value 0)) $value | quote }}
{{- end }}
{{- end }}
{{- $try := or $root.Values.redis.enabled $root.Values.postgresql.enabled }}
{{- $secrets := list
  (dict "env" "REDIS_URL" "secret" "redisUrl" "needed" "redis" "generated" ($root.Values.redis.enabled | ternary "redis-url" ""))
  (dict "env" "DATABASE_URL" "secret" "databaseUrl" "needed" "postgresql" "generated" ($root.Values.postgresql.enabled | ternary "database-url" ""))
  (dict "env" "OTEL_EXPORTER_OTLP_HEADERS" "secret" "otlpHeaders")
}}
{{- if eq .part "api" }}
{{- $secrets = concat $secrets (list
  (dict "env" "DATABASE_READ_URL" "secret" "databaseReadUrl")
  (dict "env" "ADMIN_TOKEN" "secret" "adminToken" "generated" ($try | ternary "admin-token" ""))
  (dict "env" "VOTER_SECRET" "secret" "voterSecret" "generated" ($try | ternary "voter-secret" ""))
) }}
{{- end }}
{{- range $secrets }}
{{- with include "tallykeep.secret" (merge . (dict "root" $root)) }}
{{ . }}
{{- end }}
{{- end }}
{{- end -}}
