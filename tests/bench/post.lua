-- wrk: creates 1 KB ConfigMaps, each with a name of its own, as $TOKEN; prints one line a run.
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end
local run = os.getenv("RUN")
local value = string.rep("0123456789abcdef", 56)
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
wrk.headers["Content-Type"] = "application/json"
function init()
  count = 0
end
function request()
  count = count + 1
  return wrk.format("POST", nil, nil, string.format(
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm-%s-%d-%d"},"data":{"key":"%s"}}',
    run, id, count, value))
end
function done(summary, latency)
  io.write(string.format("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, %d bad\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status + summary.errors.read))
end
