/** The form that says what a poll is. */
export const form = {
  heading: "New poll",
  title: "Question",
  slug: "Name in the address",
  slugHint: (host: string) => `After ${host}/polls/; a-z, 0-9 and -`,
  zone: (zone: string) => `Time in ${zone}`,
  wrong: {
    title: "write what is asked",
    slug: "write a name of a-z, 0-9 and -, which begins and ends with a letter or digit",
    taken: (taken: string, free: string) =>
      free === taken ? `the name ${taken} is taken` : `the name ${taken} is taken; ${free} is free`,
    options: "write at least two options, each on a line of its own",
    fixedOptions: "there are votes: keep as many options as there are, in their order",
    time: "give the whole date and time, or none of it",
    skipped: "there is no such time on that day: the clocks are set forward then",
    order: "the poll has to close after it opens",
    past: "this time has passed: give a later one, or none"
  },
  description: "Description",
  optional: "optional",
  options: "Options, one a line",
  error: (detail: string, option: number | undefined) =>
    `${option === undefined ? "" : `Option ${option}: `}${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`,
  kind: "What a vote says",
  kinds: {
    single: "One option",
    multiple: "Several options",
    score: "A score for each option",
    points: "Points, given out among the options",
    ranked: "The options ranked, the best first"
  },
  least: "Options at least",
  most: "Options at most",
  lowest: "Lowest score",
  highest: "Highest score",
  every: "Every option needs a score",
  budget: "Points to give out",
  spendAll: "All of them have to be given out",
  ranks: "Ranks at most",
  all: "as many as there are",
  method: "How the winner is found",
  methods: {
    irv: "Instant run-off: the last one goes out, round by round",
    stv: "Single transferable vote: several seats, in proportion",
    condorcet: "Condorcet: who beats each other one, pair by pair"
  },
  seats: "Seats",
  tieBreak: "How ties are broken",
  tieBreaks: {
    previous_rounds: "By the rounds before, and then by a draw",
    draw: "By a draw"
  },
  abstain: "A vote may be an abstention",
  ballot: "Which votes count",
  ballots: {
    open: "Each vote",
    once: "Each voter's first",
    changeable: "Each voter's latest"
  },
  identity: "Who may vote",
  identities: {
    anyone: "Anyone",
    browser: "Each browser is a voter",
    token: "Holders of a voter link",
    provider: "Users of the identity provider"
  },
  results: "Who sees the results",
  visibilities: {
    live: "Everyone, live",
    after_vote: "Voters, once they have voted",
    after_close: "Everyone, once they are final"
  },
  challenge: "What each vote takes",
  challenges: {
    none: "A tap",
    pow: "A tap, and a small task for the browser, which slows down machines that vote"
  },
  log: "Public log",
  logs: {
    on: "Yes, so that the votes can be counted again",
    off: "No"
  },
  opensAt: "Opens",
  closesAt: "Closes",
  listed: "In the public list of polls",
  submit: "Create the poll",
  asDraft: "Save as a draft",
  discard: "Throw away"
}
