//! What each anomaly says, in Chinese and English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[
    (
        "results.object_lost",
        "已收到的密封对象文件缺失或损坏",
        "a received object's file is missing or damaged",
    ),
    (
        "results.unknown_device",
        "答卷由未登记的设备签名",
        "signed by a device that is not known",
    ),
    (
        "results.unreadable",
        "密封对象不能解密或签名不符",
        "an object does not decrypt, or its signature is wrong",
    ),
    (
        "results.place",
        "答卷内外的考试点、场次或版本不一致",
        "the bundle names another site, sitting or version than its outside",
    ),
    (
        "results.unknown_version",
        "答卷使用的版本不是本机构签发的",
        "made with a version that was never issued",
    ),
    (
        "results.wrong_package",
        "答卷使用的试卷包不是该版本签发的",
        "made with a package that was not issued for it",
    ),
    (
        "results.unknown_ticket",
        "答卷的准考证号不在名册中",
        "a bundle of a ticket that is not on the roster",
    ),
    (
        "results.wrong_class",
        "答卷的班级与名册不符",
        "the bundle's class group is not the roster's",
    ),
    (
        "results.bundle_missing",
        "记录显示已开始作答，但没有收到答卷",
        "the ledger shows an attempt, but its bundle has not arrived",
    ),
    (
        "results.two_devices",
        "同一次作答有两台设备的答卷",
        "bundles of one attempt from two devices",
    ),
    (
        "results.lease",
        "答卷写明的换机记录前后不一致",
        "the leases that the bundle names make no chain",
    ),
    (
        "results.lease_differs",
        "答卷的换机记录与考场管理机的记录不一致",
        "the bundle's lease is not the one that the room's station gave",
    ),
    (
        "results.lease_ungiven",
        "换机续考，但没有收到考场管理机的记录",
        "moved to another terminal, and the station's record of it has not arrived",
    ),
    (
        "results.moved",
        "换机续考",
        "the attempt went on at another terminal",
    ),
    (
        "results.fenced_bundle",
        "换机前的考试机也交来答卷，只作证据",
        "the terminal before the swap sent a bundle too; it is evidence only",
    ),
    (
        "results.removed",
        "责令离场，成绩待定",
        "told to leave; to be decided",
    ),
    (
        "results.reopened",
        "误交卷后恢复作答",
        "a mistaken hand-in was opened again",
    ),
    (
        "results.superseded",
        "先前的答卷由后交的取代",
        "an earlier bundle is superseded by a later one",
    ),
    (
        "results.bundles_contradict",
        "同一次作答的几份答卷互相矛盾",
        "bundles of one attempt contradict each other",
    ),
    (
        "results.vouched_by_hub",
        "考试机由考场管理机登记，考试机构未单独批准",
        "the terminal is known by its hub's word only",
    ),
    (
        "results.device_revoked",
        "答卷来自后来被考场管理机移出白名单的考试机",
        "sealed at a terminal that its hub has since taken off its list",
    ),
    (
        "results.sealed_after_revoked",
        "答卷封存时，考试机已被考场管理机移出白名单",
        "sealed after its hub had taken the terminal off its list",
    ),
    (
        "results.hub_expired",
        "答卷封存时，登记该考试机的考场管理机委托已到期",
        "sealed after the delegation of the terminal's hub had expired",
    ),
    (
        "results.hub_other_room",
        "登记该考试机的考场管理机无权管理本考场",
        "the terminal's hub may not run this room",
    ),
    (
        "results.never_began",
        "考生已到考位签到，但没有开始作答，也没有结论",
        "checked in at a seat, but no attempt was begun and no outcome was given",
    ),
    (
        "results.entry_damaged",
        "答卷中的记录不能读取",
        "an entry of the bundle cannot be read",
    ),
    (
        "results.entries_gap",
        "答卷中的记录不连续",
        "the attempt's entries are not contiguous",
    ),
    (
        "results.entry_foreign",
        "答卷中有不属于本次作答的记录",
        "an entry belongs to another attempt or ledger",
    ),
    (
        "results.checkpoint",
        "答卷的保全点签名不符",
        "the bundle's checkpoint does not verify",
    ),
    (
        "results.checkpoint_short",
        "保全点没有覆盖全部记录",
        "the checkpoint does not cover every entry",
    ),
    (
        "results.not_replicated",
        "记录尚未同步到中心，不能比对",
        "the entries have not been replicated, and cannot be compared",
    ),
    (
        "results.ledger_differs",
        "答卷与已见证的记录不一致",
        "the bundle differs from the replicated ledger",
    ),
    (
        "results.entries_left_out",
        "已见证的记录没有全部进入答卷",
        "the bundle leaves out replicated entries",
    ),
    (
        "results.entries_after",
        "封存后还有本次作答的作答记录",
        "answers were recorded after the bundle was sealed",
    ),
    (
        "results.unwitnessed",
        "记录没有得到中心见证",
        "the entries were not witnessed by the center",
    ),
    (
        "results.fork",
        "设备记录出现分叉",
        "a device's ledger has forked",
    ),
    (
        "results.device_alert",
        "设备密钥出现异常",
        "a device key was seen where it cannot be",
    ),
    (
        "results.no_start",
        "答卷没有开始作答的记录",
        "the bundle holds no start of the attempt",
    ),
    (
        "results.wrong_paper",
        "试卷与重新抽取的不一致",
        "the paper is not the one that the draw gives",
    ),
    (
        "results.replay",
        "作答记录不合规则",
        "the attempt's record breaks the rules",
    ),
    (
        "results.seat_order",
        "入场步骤不合规则",
        "the steps before the start break the rules",
    ),
    (
        "results.unconfirmed",
        "未经人证核验",
        "the person was not confirmed",
    ),
    (
        "results.score_differs",
        "考试点评分与中心复核不一致",
        "the site's score differs from the center's",
    ),
    (
        "results.not_graded",
        "不能评分",
        "the attempt could not be graded",
    ),
    (
        "results.not_handed_in",
        "没有交卷记录",
        "the attempt was not handed in",
    ),
    (
        "results.outage_undecided",
        "中断尚未处理",
        "an outage is undecided",
    ),
    (
        "results.start_outside",
        "开考时间超出允许范围",
        "started outside the limits of the plan",
    ),
    (
        "results.started_late",
        "开考晚于计划时间",
        "started later than planned",
    ),
    ("results.postponed", "整场顺延", "the sitting was postponed"),
    ("results.credited", "补时", "time was credited"),
    (
        "results.outage_decided",
        "中断的处理决定",
        "an outage was decided",
    ),
    (
        "results.end_moved",
        "结束时间与原计划不同",
        "the attempt's end differs from the original plan",
    ),
    (
        "results.ended_by_staff",
        "监考结束考试（与计划结束时间相比）",
        "staff ended the sitting (against the planned end)",
    ),
    (
        "results.end_wrong",
        "结束时间与规则不符",
        "the attempt's end is not the one of the plan",
    ),
    (
        "results.late_entry",
        "迟到后入场",
        "admitted after the late limit",
    ),
    (
        "results.unordered_credit",
        "补时或顺延没有考试机构指令",
        "a credit or postponement without the center's order",
    ),
    (
        "results.unknown_order",
        "记录引用的指令不是本机构签发的",
        "an order that the center did not give",
    ),
    ("results.outage", "作答中断", "the attempt was interrupted"),
    ("results.forced", "强制交卷", "handed in by staff"),
    (
        "results.picture_missing",
        "照片没有收到",
        "a picture has not arrived",
    ),
    (
        "results.picture_differs",
        "照片与记录不符",
        "a picture is not the one recorded",
    ),
    (
        "results.picture_unlisted",
        "记录中的照片不在答卷中",
        "a recorded picture is not in the bundle",
    ),
    ("results.picture_failed", "抓拍失败", "a snapshot failed"),
    (
        "results.picture_pattern",
        "使用了标明的测试图案代替摄像头",
        "the labelled pattern was used instead of a camera",
    ),
    (
        "results.picture_skipped",
        "经决定免拍",
        "no check-in picture, by decision",
    ),
    (
        "results.snapshot_due",
        "应抓拍而没有记录",
        "a snapshot was due and is not accounted for",
    ),
    (
        "results.focus_lost",
        "考试窗口失去焦点",
        "the exam window lost focus",
    ),
    (
        "results.displays_changed",
        "作答中显示器数量变化",
        "displays were plugged in or pulled out during the attempt",
    ),
    (
        "results.clock_jumped",
        "机器时钟跳变",
        "the machine's clock jumped",
    ),
    (
        "results.outcome",
        "结论与记录不一致",
        "the outcome is not the one recorded",
    ),
];
