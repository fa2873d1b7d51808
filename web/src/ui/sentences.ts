/** Several sentences one after the other; what engines say often ends without a full stop. */
export function joinSentences(...sentences: string[]): string {
  const told = sentences.map((sentence) => sentence.trim()).filter(Boolean)
  return told.map((sentence, at) => (at === told.length - 1 || /[.!?…。！？]$/.test(sentence) ? sentence : `${sentence}.`)).join(' ')
}
