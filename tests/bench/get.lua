-- wrk: reads with the bearer token of $TOKEN; prints one line a run.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
function done(summary, latency)
  io.write(string.format("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, %d bad\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status + summary.errors.read))
end
