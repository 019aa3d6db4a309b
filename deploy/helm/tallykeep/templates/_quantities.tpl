{{- /* A time such as 500ms, 25s or 2m, or 0, in whole seconds. */ -}}
{{- define "tallykeep.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . | default "s" -}}
{{- if eq $unit "ms" -}}{{ div (add $number 999) 1000 }}
{{- else -}}{{ mul $number (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) }}
{{- end -}}
{{- end -}}

{{- /* How long a pod may take to end: what the program may take, after what comes before it, and some to spare. */ -}}
{{- define "tallykeep.grace" -}}
{{- $settings := merge (dict) .values.settings .root.Values.settings -}}
{{- $delay := include "tallykeep.seconds" $settings.SHUTDOWN_DELAY | int64 -}}
{{- $timeout := include "tallykeep.seconds" $settings.SHUTDOWN_TIMEOUT | int64 -}}
{{- add (int64 .root.Values.preStopSeconds) $delay $timeout 5 -}}
{{- end -}}

{{- /* Memory such as 512Mi or 2Gi, in MiB. */ -}}
{{- define "tallykeep.mebibytes" -}}
{{- mul (regexFind "^[0-9]+" .) (hasSuffix "Gi" . | ternary 1024 1) -}}
{{- end -}}

{{- /* Three quarters of a memory limit, in MiB: the rest is for what is not on the heap. */ -}}
{{- define "tallykeep.heap" -}}
{{- div (mul 3 (include "tallykeep.mebibytes" .)) 4 -}}
{{- end -}}
