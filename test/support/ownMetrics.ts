import { Context, Metric } from "effect"

// Test files share processes, and with them the registry that is there when none is given; each file's metrics start anew.
Context.get(Context.empty(), Metric.MetricRegistry).clear()
