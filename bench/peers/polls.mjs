// What the polls in the database allow a vote to say: single, multiple and ranked ones.

const separators = { multiple: "+", ranked: ">" }

/** Reads the polls; gives what tells the options that a choice gives a vote to. It throws where a choice is none. */
export const readPolls = async (pool) => {
  const { rows } = await pool.query(`select slug, kind, min, max,
      (select array_agg(option order by position) from tally where poll = slug) as options
    from poll`)
  const polls = new Map(
    rows.map(({ options, slug, ...rules }) => [
      slug,
      { ...rules, places: new Map(options.map((id, place) => [id, place])) }
    ])
  )
  return (slug, choice) => {
    const poll = polls.get(slug)
    if (poll === undefined) throw new Error(`No such poll: ${slug}`)
    const { kind, max, min, places } = poll
    const ids = kind === "single" ? [choice] : choice.split(separators[kind])
    const inOrder =
      kind !== "multiple" || ids.every((id, index) => index === 0 || places.get(ids[index - 1]) < places.get(id))
    const bounded = ids.length >= (min ?? 1) && ids.length <= (max ?? 1)
    if (!bounded || !inOrder || !ids.every((id) => places.has(id)) || new Set(ids).size < ids.length) {
      throw new Error(`No choice of ${slug}: ${choice}`)
    }
    return kind === "ranked" ? ids.slice(0, 1) : ids
  }
}

/** The different choices of some votes, and the options of each: columns of poll, choice, option. */
export const namedOptions = (votes, optionsOf) => {
  const seen = new Map()
  const [polls, choices, options] = [[], [], []]
  for (const { option: choice, poll } of votes) {
    const known = seen.get(poll) ?? new Set()
    if (known.size === 0) seen.set(poll, known)
    if (known.has(choice)) continue
    known.add(choice)
    for (const option of optionsOf(poll, choice)) {
      polls.push(poll)
      choices.push(choice)
      options.push(option)
    }
  }
  return [polls, choices, options]
}

/** The columns of the votes: vote_id, poll, choice, voter, ms, seq, cast_ms. */
export const columnsOf = (votes) => {
  const columns = [[], [], [], [], [], [], []]
  for (const { cast_at, ms, option, poll, seq, vote_id, voter } of votes) {
    columns[0].push(vote_id)
    columns[1].push(poll)
    columns[2].push(option)
    columns[3].push(voter === undefined ? null : Buffer.from(voter, "base64url"))
    columns[4].push(ms)
    columns[5].push(seq)
    columns[6].push(cast_at)
  }
  return columns
}
