/**
 * The request header in which a vote brings the solution of its challenge, as JSON in base64. Apart from `Challenge.ts`, whose
 * schemas the pages do without.
 */
export const solutionHeader = "Challenge-Solution"
