import addPartition from "./functions/add_partition.sql"
import buryVotes from "./functions/bury_votes.sql"
import changeScores from "./functions/change_scores.sql"
import changeTallies from "./functions/change_tallies.sql"
import choiceParts from "./functions/choice_parts.sql"
import claimTabulation from "./functions/claim_tabulation.sql"
import closePartitions from "./functions/close_partitions.sql"
import closePoll from "./functions/close_poll.sql"
import countBallots from "./functions/count_ballots.sql"
import deletePoll from "./functions/delete_poll.sql"
import dropPartition from "./functions/drop_partition.sql"
import expectFates from "./functions/expect_fates.sql"
import extendLedger from "./functions/extend_ledger.sql"
import finishPoll from "./functions/finish_poll.sql"
import holdHorizon from "./functions/hold_horizon.sql"
import incrementVote from "./functions/increment_vote.sql"
import ledgerEpoch from "./functions/ledger_epoch.sql"
import ledgerHorizon from "./functions/ledger_horizon.sql"
import lockPolls from "./functions/lock_polls.sql"
import logAppend from "./functions/log_append.sql"
import logBatch from "./functions/log_batch.sql"
import logFates from "./functions/log_fates.sql"
import logResult from "./functions/log_result.sql"
import logVotes from "./functions/log_votes.sql"
import outOfTime from "./functions/out_of_time.sql"
import readTally from "./functions/read_tally.sql"
import recordDuplicates from "./functions/record_duplicates.sql"
import refusedVotes from "./functions/refused_votes.sql"
import restartLog from "./functions/restart_log.sql"
import settleMoved from "./functions/settle_moved.sql"
import settlePoll from "./functions/settle_poll.sql"
import shutTimes from "./functions/shut_times.sql"
import sweepLedger from "./functions/sweep_ledger.sql"
import voteIdAt from "./functions/vote_id_at.sql"
import voteIdMs from "./functions/vote_id_ms.sql"
import ledger from "./tables/0001_ledger.sql"
import challenge from "./tables/0003_challenge.sql"
import acceptedDifference from "./tables/0004_accepted_difference.sql"
import original from "./tables/0005_original.sql"
import choices from "./tables/0006_choices.sql"
import final from "./tables/0007_final.sql"
import tabulation from "./tables/0008_tabulation.sql"
import life from "./tables/0009_life.sql"
import log from "./tables/0010_log.sql"
import ballot from "./tables/0011_ballot.sql"
import logLess from "./tables/0013_log_less.sql"
import newest from "./tables/0014_newest.sql"
import places from "./tables/0018_places.sql"
import room from "./tables/0019_room.sql"
import guess from "./tables/0021_guess.sql"
import vote from "./tables/0025_vote.sql"
import moved from "./tables/0027_moved.sql"
import restart from "./tables/0028_restart.sql"
import identity from "./tables/0029_identity.sql"

/** What a version of tallykeep needs of the database. */
export interface LedgerSchema {
  /** Of the tables and the functions together; raised with any change of either. */
  readonly version: number
  /** The steps that make the tables, in order, each numbered by the version that brought it. */
  readonly steps: ReadonlyArray<{ readonly number: number; readonly text: string }>
  /** One statement each. */
  readonly functions: ReadonlyArray<string>
}

/**
 * What this program needs. With each change of a `.sql` file its version is raised by one; test/ledger/schema.test.ts sees
 * to that.
 */
export const ledgerSchema: LedgerSchema = {
  version: 29,
  steps: [
    { number: 1, text: ledger },
    { number: 3, text: challenge },
    { number: 4, text: acceptedDifference },
    { number: 5, text: original },
    { number: 6, text: choices },
    { number: 7, text: final },
    { number: 8, text: tabulation },
    { number: 9, text: life },
    { number: 10, text: log },
    { number: 11, text: ballot },
    { number: 13, text: logLess },
    { number: 14, text: newest },
    { number: 18, text: places },
    { number: 19, text: room },
    { number: 21, text: guess },
    { number: 25, text: vote },
    { number: 27, text: moved },
    { number: 28, text: restart },
    { number: 29, text: identity }
  ],
  functions: [
    addPartition,
    buryVotes,
    changeScores,
    changeTallies,
    choiceParts,
    claimTabulation,
    closePartitions,
    closePoll,
    countBallots,
    deletePoll,
    dropPartition,
    expectFates,
    extendLedger,
    finishPoll,
    holdHorizon,
    incrementVote,
    ledgerEpoch,
    ledgerHorizon,
    lockPolls,
    logAppend,
    logBatch,
    logFates,
    logResult,
    logVotes,
    outOfTime,
    readTally,
    recordDuplicates,
    refusedVotes,
    restartLog,
    settleMoved,
    settlePoll,
    shutTimes,
    sweepLedger,
    voteIdAt,
    voteIdMs
  ]
}
