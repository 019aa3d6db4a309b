{{- /* What can't be changed of what the cluster has is refused here, in words. Without a cluster to ask, there is nothing to refuse. */ -}}

{{- /* Fails where the pods of an existing object are selected otherwise: (dict "root" $ "part" "api" "existing" …). */ -}}
{{- define "tallykeep.sameSelector" -}}
{{- if .existing -}}
{{- $name := get .existing.spec.selector.matchLabels "app.kubernetes.io/name" -}}
{{- if ne $name (include "tallykeep.name" .root) -}}
{{- fail (printf "nameOverride can't be changed: %s %s selects its pods by app.kubernetes.io/name: %s. Set nameOverride to that" .existing.kind .existing.metadata.name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Fails where a server of the chart would lose its volume, or can't get another one: (dict "root" $ "part" "redis" "name" … "values" …). */ -}}
{{- define "tallykeep.sameServer" -}}
{{- $existing := lookup "apps/v1" "StatefulSet" .root.Release.Namespace .name -}}
{{- include "tallykeep.sameSelector" (merge (dict "existing" $existing) .) -}}
{{- if $existing -}}
{{- $claim := (first $existing.spec.volumeClaimTemplates).spec -}}
{{- $size := $claim.resources.requests.storage -}}
{{- $class := $claim.storageClassName | default "" -}}
{{- if or (ne (include "tallykeep.mebibytes" $size) (include "tallykeep.mebibytes" .values.storage.size)) (ne $class .values.storage.className) -}}
{{- fail (printf "%s.storage can't be changed: StatefulSet %s was made with size %s and className %q. deploy/README.md says how to enlarge a volume" .part .name $size $class) -}}
{{- end -}}
{{- else -}}
{{- range (lookup "apps/v1" "StatefulSet" .root.Release.Namespace "").items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- if and (eq (get $labels "app.kubernetes.io/instance") $.root.Release.Name) (eq (get $labels "app.kubernetes.io/component") $.part) (hasPrefix "tallykeep-" (get $labels "helm.sh/chart")) -}}
{{- fail (printf "nameOverride and fullnameOverride can't be changed: the votes of this release are with StatefulSet %s, and %s would begin without any" .metadata.name $.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
