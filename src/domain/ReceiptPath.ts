/** Returns where a vote's receipt is looked up. */
export const receiptPath = ({ streamId, voteId }: { readonly streamId: string; readonly voteId: string }): string =>
  `/api/votes/${voteId}?stream_id=${streamId}`
