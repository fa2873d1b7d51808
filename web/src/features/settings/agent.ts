const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bFirefox\/(\d+)|\bFxiOS\/(\d+)/, 'Firefox'],
  [/(?:Headless)?Chrom(?:e|ium)\/(\d+)|\bCriOS\/(\d+)/, 'Chrome'],
  [/\bVersion\/(\d+)[\d.]* .*Safari\//, 'Safari'],
  [/\bcurl\/([\d.]+)/, 'curl'],
]
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
]

/** What a browser calls itself, in the two words that people know it by; as it came when it is none of these. */
export function readAgent(agent: string): string {
  for (const [form, name] of BROWSERS) {
    const match = form.exec(agent)
    if (!match) continue
    const system = SYSTEMS.find(([mark]) => mark.test(agent))?.[1]
    return [`${name} ${match.slice(1).find(Boolean) ?? ''}`.trim(), system].filter(Boolean).join(' · ')
  }
  return agent
}
