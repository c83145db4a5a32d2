// Adds the reader's own time to a moment that is told in the ministry's zone.
for (const at of document.querySelectorAll("time[data-local]")) {
  const moment = new Date(at.dateTime);
  const zone = /([+-])(\d\d):(\d\d)$/.exec(at.dateTime);
  if (!zone || Number.isNaN(moment.getTime())) continue;
  const there = (zone[1] === "-" ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]));
  if (there === -moment.getTimezoneOffset()) continue;
  // The day is said where it is another one there.
  const part = (options) => new Intl.DateTimeFormat(document.documentElement.lang, options).format(moment);
  const clock = part({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const own = Number(at.dateTime.slice(8, 10)) === moment.getDate() ? clock : part({ weekday: "long" }) + " " + clock;
  at.append(at.dataset.local.replace("%s", own));
}
