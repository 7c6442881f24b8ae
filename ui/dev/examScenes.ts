import type { ExamView, PersonFacts, QuestionView, Screen, SheetCell } from '../src/bindings.ts'
import { circuit, meter, registered } from './faces.ts'

/** 20 November 2026, 9:00 in China. */
export const start = Date.UTC(2026, 10, 20, 1, 0, 0)
export const minute = 60_000

export const person: PersonFacts = {
  name: '王建国',
  masked_id: '370811********2318',
  ticket_no: '3708261120010023',
  seat_no: 23,
  subject: '低压电工作业·理论考试',
  class_name: '低压电工 2611 班',
  attempt_type: 'first_attempt',
  photo_url: registered,
}

export function cells(
  answered: number,
  flagged: readonly number[],
  open: readonly number[] = [],
): SheetCell[] {
  return Array.from({ length: 100 }, (_, index) => ({
    answered: index < answered && !open.includes(index),
    flagged: flagged.includes(index),
  }))
}

export const single: QuestionView = {
  position: 77,
  item_type: 'single_choice',
  half_points: 2,
  case_text: null,
  stem: '某车间照明配电箱如图所示，总开关 QF 带漏电保护。电工合上 QF 后立即跳闸，此时应当首先怎么做？',
  stem_picture: circuit,
  options: [
    { text: '把漏电保护短接起来，先恢复照明', picture: null, chosen: false },
    { text: '断开各条支路，逐路检查绝缘，找出漏电处', picture: null, chosen: true },
    { text: '换上一只额定电流更大的开关', picture: null, chosen: false },
    { text: '多合几次，直到不再跳闸为止', picture: null, chosen: false },
  ],
  flagged: false,
  saved: true,
}

export const judge: QuestionView = {
  ...single,
  position: 34,
  item_type: 'true_false',
  stem: '使用验电器之前，应当先在确知带电的设备上试验，确认验电器完好。',
  stem_picture: null,
  options: [
    { text: '正确', picture: null, chosen: false },
    { text: '错误', picture: null, chosen: false },
  ],
  flagged: true,
  saved: false,
}

export const longCase: QuestionView = {
  ...single,
  position: 80,
  item_type: 'multiple_choice',
  half_points: 4,
  case_text:
    '某机械加工厂新建车间，安装低压配电柜三台。施工当日，两名电工在未办理停电手续的情况下开始接线。班长安排一名学徒在配电室门口看守，但没有悬挂标示牌，也没有装设接地线。接线过程中，另一班组的工人来到配电室，看到开关断开，以为是跳闸，便合上了总开关。正在接线的电工触电倒地，学徒跑去喊人，约四分钟后才切断电源。厂医赶到时，触电者已经没有呼吸，随即进行心肺复苏，并拨打急救电话。事后检查发现，工厂的停送电制度贴在办公室墙上，但电工没有学习过，配电室的钥匙由三个班组共用。',
  stem: '根据上面的案例，这起事故违反了哪些保证安全的技术措施和组织措施？',
  stem_picture: null,
  options: [
    { text: '没有停电、验电，也没有装设接地线', picture: null, chosen: true },
    { text: '没有悬挂“禁止合闸，有人工作”标示牌', picture: null, chosen: true },
    { text: '没有执行工作票和工作监护制度', picture: null, chosen: false },
    { text: '触电以后没有立即切断电源，耽误了急救时间', picture: null, chosen: false },
    { text: '配电室的钥匙由三个班组共用，没有专人管理', picture: null, chosen: false },
  ],
}

export const pictures: QuestionView = {
  ...single,
  position: 12,
  stem: '下面哪一只表的指针在正常范围之内？',
  stem_picture: null,
  options: [1, 2, 3, 0].map((n) => ({ text: '', picture: meter(n), chosen: n === 2 })),
}

export function exam(question: QuestionView, over: Partial<ExamView> = {}): Screen {
  return {
    name: 'exam',
    data: {
      person,
      question,
      sheet: cells(78, [34, 48, 61], [34, 61]),
      sections: [
        { item_type: 'true_false', first: 0, count: 70 },
        { item_type: 'single_choice', first: 70, count: 30 },
      ],
      counts: { answered: 76, unanswered: 24, flagged: 3 },
      ends_ms: start + 120 * minute,
      held_open: false,
      may_leave_ms: start + 30 * minute,
      text_size: 'standard',
      storage_failed: false,
      warn_minutes: null,
      ...over,
    },
  }
}
