// For `node --expose-gc --require`: at SIGUSR2, does with the memory what V8 does by itself in a long quiet time.
process.on("SIGUSR2", () => {
  for (let times = 1; times <= 10; times++) setTimeout(globalThis.gc, times * 50)
})
