// Loaded before the program: sets its wall clock back by an hour, as an administrator or NTP may, when SIGUSR2 comes.
const RealDate = Date
let offset = 0
globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + offset)
    else super(...given)
  }
  static now() {
    return RealDate.now() + offset
  }
}
process.on("SIGUSR2", () => {
  offset = -3_600_000
  process.stdout.write(`The wall clock says ${new Date().toISOString()}\n`)
})
