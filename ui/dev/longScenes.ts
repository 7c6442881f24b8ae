import type { CandidateRow, PersonFacts, SeatState, StaffName, View } from '../src/bindings.ts'

/** Names, titles and lists as long as they come; the same screens, to see that nothing runs out of its place. */
const name = '阿卜杜热合曼·买买提依明·吐尔逊江'
const subject = '金属非金属矿山安全作业（金属非金属矿井通风作业）·理论考试'
const plan =
  '2026 年济宁市任城区应急管理局安全生产考试中心金属非金属矿井通风作业特种作业操作证复审暨换证第 11 期'
const room = '第 12 考场，任城区职业技能综合实训基地 3 号楼 4 层东侧 306 室'
const className = '金属非金属矿井通风作业复审换证 2611 班（周末）'

const person = (is: PersonFacts): PersonFacts => ({
  ...is,
  name,
  subject,
  class_name: className,
  seat_no: 108,
})

const staff = (is: readonly StaffName[]): StaffName[] =>
  Array.from({ length: 9 }, (_, at) => {
    const each = is[at % is.length] ?? { staff_id: '', name: '', role: 'proctor' }
    return { ...each, staff_id: `${each.staff_id}-${at}`, name: at === 1 ? name : each.name }
  })

const states: readonly SeatState[] = [
  'expected',
  'arrived',
  'checked_in',
  'confirmed',
  'waiting',
  'answering',
  'suspended',
  'handed_in',
  'sealed',
  'receipted',
  'absent',
  'not_admitted',
  'late_refused',
]

const rows = (is: readonly CandidateRow[]): CandidateRow[] =>
  Array.from({ length: 60 }, (_, at) => ({
    ...(is[at % is.length] as CandidateRow),
    ticket_no: `37082611200100${String(at + 10)}`,
    seat_no: at + 1,
    name: at % 7 === 2 ? name : (is[at % is.length]?.name ?? ''),
    class_name: at % 5 === 1 ? className : (is[at % is.length]?.class_name ?? ''),
    state: states[at % states.length] ?? 'expected',
  }))

/** The same view with everything long that can be long. */
export function long(view: View): View {
  const is = structuredClone(view)
  is.device.room_name = room
  is.device.site = '济宁市任城区职业技能综合实训基地安全生产资格考试点'
  const screen = is.screen
  if ('person' in screen.data) screen.data.person = person(screen.data.person)
  switch (screen.name) {
    case 'standby':
      Object.assign(screen.data, { plan_name: plan, room_name: room, seat_no: 108 })
      is.device.seat_no = 108
      break
    case 'identify':
      screen.data.room_name = room
      break
    case 'staff_confirm':
    case 'log_in':
      screen.data.staff = staff(screen.data.staff)
      break
    case 'exam': {
      const { question } = screen.data
      question.stem = question.stem.repeat(4)
      question.options.forEach((option) => (option.text = option.text.repeat(5)))
      screen.data.sections = [
        { item_type: 'true_false', first: 0, count: 40 },
        { item_type: 'single_choice', first: 40, count: 40 },
        { item_type: 'multiple_choice', first: 80, count: 20 },
      ]
      break
    }
    case 'hand_in_check':
      screen.data.unanswered = Array.from({ length: 100 }, (_, at) => at)
      screen.data.flagged = screen.data.unanswered
      screen.data.sheet = screen.data.unanswered.map(() => ({ answered: false, flagged: true }))
      screen.data.counts = { answered: 0, unanswered: 100, flagged: 100 }
      break
    case 'handed_in':
      screen.data.score?.by_type.push({ item_type: 'multiple_choice', right: 8, count: 20, half_points: 16 })
      break
    case 'desk':
      screen.data.papers.held.forEach((held) => {
        Object.assign(held, { plan_name: plan, room_name: room })
        held.classes.forEach((each) => Object.assign(each, { name: className, subject }))
      })
      if (screen.data.sitting !== null) {
        screen.data.sitting.candidates = rows(screen.data.sitting.candidates)
        screen.data.sitting.outages.forEach((row) => (row.candidate_name = name))
      }
      break
    default:
  }
  return is
}
