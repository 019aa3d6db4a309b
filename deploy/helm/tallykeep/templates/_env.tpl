{{- /* An environment variable from a Secret: (dict "env" "ADMIN_TOKEN" "name" … "key" …). */ -}}
{{- define "tallykeep.fromSecret" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef: { name: {{ .name }}, key: {{ .key }} }
{{- end -}}

{{- /* One of the program's secrets, as JSON: yours, or else the one that the chart has made for a server of its own. */ -}}
{{- define "tallykeep.secret" -}}
{{- with index .root.Values.secrets .secret -}}
{{- if .name -}}
{{ dict "env" $.env "name" .name "key" .key | toJson }}
{{- else if $.generated -}}
{{ dict "env" $.env "name" (include "tallykeep.generated" $.root) "key" $.generated | toJson }}
{{- else if $.needed -}}
{{ fail (printf "%s is needed: set secrets.%s.name to a Secret of yours, or %s.enabled for trying out" $.env $.secret $.needed) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* All secrets of a part, as a JSON array of { env, name, key, file }; no file for what the program takes from the environment alone. */ -}}
{{- define "tallykeep.secrets" -}}
{{- $root := .root -}}
{{- $try := or $root.Values.redis.enabled $root.Values.postgresql.enabled -}}
{{- $secrets := list
  (dict "env" "REDIS_URL" "secret" "redisUrl" "needed" "redis" "generated" ($root.Values.redis.enabled | ternary "redis-url" ""))
  (dict "env" "DATABASE_URL" "secret" "databaseUrl" "needed" "postgresql" "generated" ($root.Values.postgresql.enabled | ternary "database-url" ""))
  (dict "env" "OTEL_EXPORTER_OTLP_HEADERS" "secret" "otlpHeaders")
-}}
{{- if eq .part "api" -}}
{{- $secrets = concat $secrets (list
  (dict "env" "DATABASE_READ_URL" "secret" "databaseReadUrl")
  (dict "env" "ADMIN_TOKEN" "secret" "adminToken" "generated" ($try | ternary "admin-token" ""))
  (dict "env" "VOTER_SECRET" "secret" "voterSecret" "generated" ($try | ternary "voter-secret" ""))
) -}}
{{- end -}}
{{- if eq .part "consumer" -}}
{{- $origin := merge (dict) $root.Values.consumer.settings $root.Values.settings | dig "LOG_ORIGIN" "" -}}
{{- $secrets = append $secrets (dict "env" "LOG_KEY" "secret" "logKey" "generated" (and $try $origin | empty | ternary "" "log-key")) -}}
{{- end -}}
{{- $found := list -}}
{{- range $secrets -}}
{{- with include "tallykeep.secret" (merge (dict "root" $root) .) -}}
{{- $secret := fromJson . -}}
{{- $isFile := and $root.Values.secrets.asFiles (ne $secret.env "OTEL_EXPORTER_OTLP_HEADERS") -}}
{{- $found = append $found (merge (dict "file" ($isFile | ternary (printf "/etc/tallykeep/secrets/%s" $secret.env) "")) $secret) -}}
{{- end -}}
{{- end -}}
{{ toJson $found }}
{{- end -}}

{{- /* The bundles of authorities, as a JSON array of { env, volume, key, configMap, secret }. */ -}}
{{- define "tallykeep.authorities" -}}
{{- $found := list -}}
{{- range $server, $env := dict "redis" "REDIS_CA_FILE" "postgresql" "PGSSLROOTCERT" -}}
{{- with index $.root.Values.authorities $server -}}
{{- if and .configMap .secret }}{{ fail (printf "authorities.%s names a ConfigMap and a Secret; name one" $server) }}{{ end -}}
{{- if or .configMap .secret -}}
{{- $found = append $found (merge (dict "env" $env "volume" (printf "%s-ca" $server)) .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ toJson $found }}
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
{{- range include "tallykeep.authorities" . | fromJsonArray }}
- { name: {{ .env }}, value: /etc/tallykeep/{{ .volume }}/ca.crt }
{{- end }}
{{- range include "tallykeep.secrets" . | fromJsonArray }}
{{- if .file }}
- { name: {{ .env }}_FILE, value: {{ .file }} }
{{- else }}
{{ include "tallykeep.fromSecret" . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Variables of yours. Of two with one name Kubernetes would take the last, without a word. */ -}}
{{- define "tallykeep.extraEnv" -}}
{{- $taken := list -}}
{{- range fromYamlArray .known }}{{ $taken = append $taken .name }}{{ end -}}
{{- range .extra -}}
{{- if has .name $taken }}{{ fail (printf "extraEnv has %s, which is set already: it is in settings, or follows from other values" .name) }}{{ end -}}
{{- $taken = append $taken .name -}}
{{- end -}}
{{ toYaml .extra }}
{{- end -}}

{{- /* Where a part's files are mounted: its secrets, and the bundles of authorities. */ -}}
{{- define "tallykeep.fileMounts" -}}
{{- if .root.Values.secrets.asFiles }}
- { name: secrets, mountPath: /etc/tallykeep/secrets, readOnly: true }
{{- end }}
{{- range include "tallykeep.authorities" . | fromJsonArray }}
- { name: {{ .volume }}, mountPath: /etc/tallykeep/{{ .volume }}, readOnly: true }
{{- end }}
{{- end -}}

{{- /* The volumes of these files. Kubernetes replaces what is in them when it has changed, since none is a subPath. */ -}}
{{- define "tallykeep.fileVolumes" -}}
{{- if .root.Values.secrets.asFiles }}
- name: secrets
  projected:
    # 0440, for the pod's group.
    defaultMode: 288
    sources:
      {{- range include "tallykeep.secrets" . | fromJsonArray }}
      {{- if .file }}
      - secret: { name: {{ .name }}, items: [{ key: {{ .key }}, path: {{ base .file }} }] }
      {{- end }}
      {{- end }}
{{- end }}
{{- range include "tallykeep.authorities" . | fromJsonArray }}
- name: {{ .volume }}
  {{- if .secret }}
  secret: { secretName: {{ .secret }}, defaultMode: 288, items: [{ key: {{ .key }}, path: ca.crt }] }
  {{- else }}
  configMap: { name: {{ .configMap }}, items: [{ key: {{ .key }}, path: ca.crt }] }
  {{- end }}
{{- end }}
{{- end -}}
