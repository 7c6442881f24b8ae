use super::*;
use crate::machine::Machine;
use crate::machine::simulated::SimulatedMachine;
use crate::site_kit::SiteKit;
use crate::test_center::{FakeUpstream, START_MS, TestCenter};
use fengjuan_camera::{CameraDevice, CameraFault, FrameChange, PatternSource, ShotRequest};
use fengjuan_store::Database;
use fengjuan_wire::Signed;
use fengjuan_wire::report::{EquipmentReport, ReportVerdict};
use std::time::Duration;

struct Bench {
    dir: tempfile::TempDir,
    system: tempfile::TempDir,
    database: Database,
    machine: Arc<SimulatedMachine>,
    upstream: FakeUpstream,
    identity: Arc<DeviceIdentity>,
}

/// A camera that does what it is told.
struct ToldCamera(Result<FrameChange, CameraFault>);

impl CameraSource for ToldCamera {
    fn list(&self) -> Result<Vec<CameraDevice>, CameraFault> {
        Ok(vec![CameraDevice {
            id: "0".to_owned(),
            name: "USB Camera".to_owned(),
            pattern: false,
        }])
    }
    fn take(&self, _: &str, _: &ShotRequest) -> Result<image::RgbImage, CameraFault> {
        Err(CameraFault::Stalled)
    }
    fn label(&self) -> Option<&'static str> {
        None
    }
    fn frames_change(&self, _: &str, _: Duration) -> Result<FrameChange, CameraFault> {
        self.0.clone()
    }
}

fn live() -> Arc<dyn CameraSource> {
    Arc::new(ToldCamera(Ok(FrameChange {
        frames: 30,
        changed: 29,
        millis: 900,
    })))
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let system = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(dir.path()).unwrap();
        let machine = Arc::new(SimulatedMachine::new(START_MS));
        let identity = Arc::new(DeviceIdentity::open(dir.path()).unwrap());
        let upstream = FakeUpstream::new(TestCenter::new());
        Bench {
            dir,
            system,
            database,
            machine,
            upstream,
            identity,
        }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.system.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn equipment(
        &self,
        camera: Arc<dyn CameraSource>,
        public_addresses: Vec<SocketAddr>,
    ) -> Equipment {
        let reader = self.database.reader().unwrap();
        let machine: Arc<dyn Machine> = self.machine.clone();
        let (recorder, _) = Recorder::start(self.database.writer(), &reader, machine).unwrap();
        let kit: SiteKit = self.upstream.center.kit("https://127.0.0.1:1");
        let papers_reader = self.database.reader().unwrap();
        let identity = self.identity.clone();
        let papers = Papers::open(
            self.dir.path(),
            kit,
            identity.clone(),
            recorder.clone(),
            papers_reader,
        )
        .unwrap();
        let (_, sync) = tokio::sync::watch::channel(SyncState::new(None));
        let parts = EquipmentParts {
            data_dir: self.dir.path().to_owned(),
            recorder,
            reader,
            identity,
            device_name: "考试机 01".to_owned(),
            site: "S01".to_owned(),
            papers,
            camera,
            displays: Arc::new(|| Some(vec![(1920, 1080)])),
            sync,
            public_addresses,
        };
        Equipment::with_system(parts, self.system.path().to_owned())
    }

    fn run(&self, equipment: &Equipment) -> Vec<CheckRow> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(equipment.run(Some(&self.upstream), Some("P001"), &|| {}))
            .unwrap();
        equipment.view().rows
    }
}

fn row(rows: &[CheckRow], check: Check) -> CheckRow {
    let row = rows.iter().find(|row| row.check == check).unwrap().clone();
    if let Some(advice) = &row.advice {
        assert!(
            ADVICE.contains(&advice.as_str()),
            "{advice} is a known code"
        );
    }
    assert_eq!(row.verdict == Verdict::Pass, row.advice.is_none());
    row
}

#[test]
fn every_check_has_a_verdict_and_the_report_is_signed_recorded_and_saved() {
    let bench = Bench::new();
    bench.write("proc/swaps", "Filename Type Size Used Priority\n");
    bench.write("proc/sys/kernel/core_pattern", "core\n");
    bench.write(
        "proc/meminfo",
        "MemTotal:  8000000 kB\nMemFree: 1 kB\nMemAvailable: 6000000 kB\n",
    );
    let equipment = bench.equipment(live(), vec!["127.0.0.1:1".parse().unwrap()]);
    assert_eq!(
        equipment.save(bench.dir.path()).err().unwrap().code(),
        "equipment.no_report"
    );
    let rows = bench.run(&equipment);
    assert_eq!(rows.len(), EVERY_CHECK.len());
    for check in EVERY_CHECK {
        assert_ne!(row(&rows, check).verdict, Verdict::Running);
    }
    for (check, value) in [
        (Check::Camera, "29/29 · 900 ms · USB Camera"),
        (Check::Swap, "0"),
        (Check::ClockOffset, "+0.00 s"),
        (Check::CenterReachable, "0 ms"),
        (Check::InternetUnreachable, "0/1"),
        (Check::Displays, "1 × 1920×1080"),
        (Check::Memory, "7.6 GiB (5.7 GiB free)"),
        (Check::TimeSinceBoot, "0 h 00 min"),
    ] {
        let row = row(&rows, check);
        assert_eq!(
            (row.verdict, row.value.as_str()),
            (Verdict::Pass, value),
            "{check:?}"
        );
    }
    assert!(row(&rows, Check::Database).value.contains("SQLite 3."));
    for check in [Check::InputDevices, Check::Power] {
        assert_eq!(
            row(&rows, check).verdict,
            Verdict::NotMeasured,
            "{check:?}: nothing lists any"
        );
    }
    assert_eq!(row(&rows, Check::Packages).verdict, Verdict::Warn);
    let entries = bench.database.reader().unwrap().entries(0, 10).unwrap();
    let entry = fengjuan_wire::entry::Entry::decode(&entries[0].bytes).unwrap();
    assert_eq!(
        (entry.kind, entry.actor),
        ("app.equipment_checked", "staff:P001")
    );
    let folder = tempfile::tempdir().unwrap();
    let saved = equipment.save(folder.path()).unwrap();
    assert_eq!(
        equipment.view().saved_to.unwrap(),
        saved.display().to_string()
    );
    let report =
        EquipmentReport::verify(&bench.identity.public(), &std::fs::read(&saved).unwrap()).unwrap();
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.verdict != ReportVerdict::Pass || row.advice.is_none())
    );
    let text = std::fs::read_to_string(saved.with_extension("txt")).unwrap();
    assert!(text.contains("摄像头") && text.contains("S01"));
    let csv = std::fs::read_to_string(saved.with_extension("csv")).unwrap();
    assert_eq!(csv.lines().count(), 17);
}

#[test]
fn an_internet_that_answers_fails_and_a_center_that_does_not_is_told() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    bench.upstream.state.lock().unwrap().offline = true;
    let rows = bench.run(&bench.equipment(live(), vec![listener.local_addr().unwrap()]));
    let internet = row(&rows, Check::InternetUnreachable);
    assert_eq!(internet.verdict, Verdict::Fail);
    assert!(internet.value.starts_with("127.0.0.1:"));
    assert_eq!(row(&rows, Check::CenterReachable).verdict, Verdict::Fail);
    assert_eq!(row(&rows, Check::ClockOffset).verdict, Verdict::NotMeasured);
    let rows = bench.run(&bench.equipment(live(), Vec::new()));
    assert_eq!(
        row(&rows, Check::InternetUnreachable).verdict,
        Verdict::NotMeasured
    );
}

#[test]
fn a_wrong_machine_clock_is_measured_against_the_centers_time() {
    for (by_ms, verdict) in [
        (1_500, Verdict::Pass),
        (-30_000, Verdict::Warn),
        (3_600_000, Verdict::Fail),
    ] {
        let bench = Bench::new();
        bench.machine.set_wall(START_MS + by_ms);
        let rows = bench.run(&bench.equipment(live(), Vec::new()));
        assert_eq!(
            row(&rows, Check::ClockOffset).verdict,
            verdict,
            "{by_ms} ms"
        );
    }
}

#[test]
fn cameras_that_are_frozen_broken_or_drawn_never_pass() {
    let cases: [(Arc<dyn CameraSource>, Verdict, &str); 4] = [
        (
            Arc::new(ToldCamera(Ok(FrameChange {
                frames: 30,
                changed: 0,
                millis: 900,
            }))),
            Verdict::Fail,
            "check.camera.frozen",
        ),
        (
            Arc::new(ToldCamera(Err(CameraFault::Busy))),
            Verdict::Fail,
            "check.camera.busy",
        ),
        (
            Arc::new(ToldCamera(Err(CameraFault::Stalled))),
            Verdict::Fail,
            "check.camera.stalled",
        ),
        (
            Arc::new(PatternSource::new()),
            Verdict::NotMeasured,
            "check.camera.pattern",
        ),
    ];
    for (camera, verdict, advice) in cases {
        let found = peripherals::camera(camera.as_ref());
        assert_eq!(
            (found.verdict, found.advice.as_deref()),
            (verdict, Some(advice))
        );
    }
}

#[test]
fn data_survives_a_reboot_only_when_two_earlier_boots_and_the_center_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let machine = SimulatedMachine::new(START_MS);
    let look = |forked, confirmed| {
        let outside = boots::Outside { forked, confirmed };
        let row = boots::survival(dir.path(), &machine, outside);
        (row.verdict, row.advice.unwrap_or(row.value))
    };
    let says = |code: &str| format!("check.reboot_survival.{code}");
    assert_eq!(look(false, true), (Verdict::Fail, says("lost")));
    note_boot(dir.path(), &machine).unwrap();
    note_boot(dir.path(), &machine).unwrap();
    assert_eq!(
        look(false, true),
        (Verdict::NotMeasured, says("no_reboot_yet"))
    );
    machine.reboot(60_000);
    assert_eq!(
        look(false, true),
        (Verdict::Fail, says("lost")),
        "no mark of this boot"
    );
    note_boot(dir.path(), &machine).unwrap();
    assert_eq!(
        look(false, true),
        (Verdict::NotMeasured, says("one_more_reboot"))
    );
    machine.reboot(60_000);
    note_boot(dir.path(), &machine).unwrap();
    assert_eq!(
        look(false, false),
        (Verdict::NotMeasured, says("not_confirmed"))
    );
    assert_eq!(look(false, true), (Verdict::Pass, "2".to_owned()));
    assert_eq!(look(true, true), (Verdict::Fail, says("rolled_back")));
    let path = dir.path().join("boots");
    let text = std::fs::read_to_string(&path).unwrap();
    let without_second: Vec<&str> = text
        .lines()
        .enumerate()
        .filter_map(|(place, line)| (place != 1).then_some(line))
        .collect();
    for damaged in [text.replacen('0', "1", 1), without_second.join("\n")] {
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(look(false, true), (Verdict::Fail, says("damaged")));
    }
}

#[test]
fn a_disk_that_is_put_back_at_every_boot_never_passes() {
    for marks_in_image in 1..4 {
        let dir = tempfile::tempdir().unwrap();
        let machine = SimulatedMachine::new(START_MS);
        for _ in 0..marks_in_image {
            machine.reboot(60_000);
            note_boot(dir.path(), &machine).unwrap();
        }
        let path = dir.path().join("boots");
        let image = std::fs::read(&path).unwrap();
        for _ in 0..5 {
            machine.reboot(60_000);
            std::fs::write(&path, &image).unwrap();
            note_boot(dir.path(), &machine).unwrap();
            // Without the center nobody can tell; the center has seen the boots that are missing here.
            for forked in [false, true] {
                let outside = boots::Outside {
                    forked,
                    confirmed: false,
                };
                let row = boots::survival(dir.path(), &machine, outside);
                assert_ne!(row.verdict, Verdict::Pass);
                assert_eq!(row.verdict == Verdict::Fail, forked);
            }
            if marks_in_image == 1 {
                let outside = boots::Outside {
                    forked: false,
                    confirmed: true,
                };
                let row = boots::survival(dir.path(), &machine, outside);
                assert_eq!(row.verdict, Verdict::NotMeasured);
            }
        }
    }
}

#[test]
fn swap_power_displays_and_input_devices_are_told_apart() {
    let bench = Bench::new();
    let root = bench.system.path();
    let head = "Filename Type Size Used Priority\n";
    for (text, verdict) in [
        (head.to_owned(), Verdict::Pass),
        (
            format!("{head}/swapfile file 2097148 0 -2\n"),
            Verdict::Fail,
        ),
        (
            format!("{head}/dev/zram0 partition 2097148 0 -2\n"),
            Verdict::Warn,
        ),
    ] {
        bench.write("proc/swaps", &text);
        assert_eq!(system::swap(root).verdict, verdict, "{text}");
    }
    assert_eq!(system::power(root).verdict, Verdict::NotMeasured);
    bench.write("sys/class/power_supply/BAT0/type", "Battery\n");
    bench.write("sys/class/power_supply/BAT0/capacity", "87\n");
    assert_eq!(system::power(root).verdict, Verdict::Fail);
    bench.write("sys/class/power_supply/AC/type", "Mains\n");
    bench.write("sys/class/power_supply/AC/online", "1\n");
    assert_eq!(system::power(root).value, "AC · 87 %");
    for (sizes, verdict) in [
        (None, Verdict::NotMeasured),
        (Some(vec![]), Verdict::Fail),
        (Some(vec![(800, 600)]), Verdict::Fail),
        (Some(vec![(1024, 768)]), Verdict::Pass),
        (Some(vec![(1920, 1080), (1920, 1080)]), Verdict::Fail),
    ] {
        assert_eq!(peripherals::displays(sizes).verdict, verdict);
    }
    let button = "I: Bus=0019\nN: Name=\"Power Button\"\nH: Handlers=kbd event0 \nB: EV=3\nB: KEY=10000000000000 0\n\n";
    let mouse = "I: Bus=0003\nN: Name=\"Mouse\"\nH: Handlers=mouse0 event5 \nB: EV=17\nB: KEY=ff0000 0 0 0 0\n\n";
    let keys = "I: Bus=0003\nN: Name=\"Keyboard\"\nH: Handlers=sysrq kbd leds event3 \nB: EV=120013\n\
                B: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n\n";
    for (text, verdict) in [
        (String::new(), Verdict::NotMeasured),
        (button.to_owned(), Verdict::Fail),
        (format!("{button}{mouse}"), Verdict::Warn),
        (format!("{button}{mouse}{keys}"), Verdict::Pass),
    ] {
        bench.write("proc/bus/input/devices", &text);
        assert_eq!(peripherals::input_devices(root).verdict, verdict, "{text}");
    }
}

#[test]
fn a_damaged_object_file_fails_the_database_check() {
    let bench = Bench::new();
    let equipment = bench.equipment(live(), Vec::new());
    let hash = fengjuan_envelope::sha256(b"object");
    let writer = bench.database.writer();
    writer
        .put_object(
            "picture",
            hash,
            b"object",
            fengjuan_store::Change::default(),
        )
        .unwrap();
    let reader = bench.database.reader().unwrap();
    assert_eq!(data::database(&reader).verdict, Verdict::Pass);
    let object = bench
        .dir
        .path()
        .join("objects")
        .join(fengjuan_wire::Hash32(hash).hex());
    std::fs::write(object, b"obj").unwrap();
    assert_eq!(
        data::database(&reader).advice.as_deref(),
        Some("check.database.objects_damaged")
    );
    drop(equipment);
}

#[test]
fn a_check_is_remembered_over_a_restart_and_told_from_one_before_a_reboot() {
    let bench = Bench::new();
    let equipment = bench.equipment(live(), Vec::new());
    assert_eq!(equipment.view().checked_ms, None);
    let rows = bench.run(&equipment);
    let before = equipment.view();
    assert!(before.checked_ms.is_some() && !before.before_reboot);
    let unsent = bench.database.reader().unwrap().unsent_objects().unwrap();
    let kinds: Vec<&str> = unsent.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, [report::KIND], "it waits for the center's receipt");

    let again = bench.equipment(live(), Vec::new());
    assert_eq!(again.view(), before);
    assert_eq!(again.view().rows, rows);
    let folder = tempfile::tempdir().unwrap();
    let saved = std::fs::read(again.save(folder.path()).unwrap()).unwrap();
    assert_eq!(fengjuan_wire::hash(&saved).0, unsent[0].hash);

    bench.machine.reboot(60_000);
    let after = bench.equipment(live(), Vec::new());
    assert_eq!(
        (after.view().checked_ms, after.view().before_reboot),
        (before.checked_ms.clone(), true)
    );
    bench.run(&after);
    assert!(!after.view().before_reboot);
    // The newest counts, whichever was sent.
    let newest = bench.equipment(live(), Vec::new()).view();
    assert_ne!(newest.checked_ms, before.checked_ms);

    // A report that is not what was signed is none.
    let objects = bench.dir.path().join("objects");
    for object in bench.database.reader().unwrap().objects().unwrap() {
        std::fs::write(objects.join(fengjuan_wire::Hash32(object.hash).hex()), b"x").unwrap();
    }
    assert_eq!(bench.equipment(live(), Vec::new()).view().checked_ms, None);
}
