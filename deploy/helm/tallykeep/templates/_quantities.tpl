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

{{- /* Memory as Kubernetes writes it, such as 512Mi, 1.5G or a number of bytes, in MiB. */ -}}
{{- define "tallykeep.mebibytes" -}}
{{- $text := kindIs "string" . | ternary . (int64 .) | toString -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18
  "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 -}}
{{- divf (mulf (regexFind "^[0-9.]+" $text) (get $units (regexFind "[a-zA-Z]*$" $text))) 1048576 | floor | int64 -}}
{{- end -}}

{{- /* Three quarters of a memory limit, in MiB: the rest is for what is not on the heap. */ -}}
{{- define "tallykeep.heap" -}}
{{- $heap := div (mul 3 (include "tallykeep.mebibytes" .)) 4 -}}
{{- if lt $heap 32 }}{{ fail (printf "A memory limit of %v is too little; is its unit missing, as in 512Mi?" .) }}{{ end -}}
{{- $heap -}}
{{- end -}}
