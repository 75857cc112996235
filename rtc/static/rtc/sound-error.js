/** There is no sound; the message is for the user. */
export class SoundError extends Error {}
