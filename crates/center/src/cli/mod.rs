//! The commands: each calls the library once and says in both languages what came of it.

pub mod arguments;
mod hubs;
mod listings;
mod prints;
mod reports;
mod serving;
mod table;
mod words;

use arguments::{
    Arguments, BankCommand, Command, CourierCommand, DeviceCommand, OrderCommand, PlanCommand,
    ReportCommand, SittingCommand,
};
use fengjuan_center::home::KitSite;
use fengjuan_center::offer::Granted;
use fengjuan_center::order::NewOrder;
use fengjuan_center::plan::PlanFiles;
use fengjuan_center::release::{Half, ReleaseRequest};
use fengjuan_center::roll::RollScope;
use fengjuan_center::{
    CenterError, Home, alert, bank, courier, device, files, hub, issue, now_ms, offer, order, plan,
    release, results, roll, staff,
};
use fengjuan_core::plan::{Role, Staff};
use fengjuan_wire::order::{CreditScope, OrderKind};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use words::local_time;

pub fn run(arguments: Arguments) -> ExitCode {
    match execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let CenterError::Faults(faults) = &error {
                prints::faults(faults);
            }
            let words = words::explain(&error);
            eprintln!("{}\n{}", words.zh, words.en);
            ExitCode::FAILURE
        }
    }
}

fn execute(arguments: Arguments) -> Result<(), CenterError> {
    if let Command::StaffPassword = arguments.command {
        return staff_password();
    }
    let Some(path) = arguments.home else {
        return Err(CenterError::Missing("--home DIR"));
    };
    if let Command::Init { id, name } = &arguments.command {
        let home = Home::init(&path, id, name)?;
        println!(
            "已建立考试机构：{}\nThe center is ready: {}",
            home.directory().center_name,
            path.display()
        );
        println!(
            "根公钥 root public key: {}",
            path.join("root.pub").display()
        );
        return Ok(());
    }
    command(&Home::open(&path)?, arguments.command)
}

fn command(home: &Home, command: Command) -> Result<(), CenterError> {
    match command {
        Command::Init { .. } | Command::StaffPassword => Ok(()),
        Command::Kit {
            url,
            site,
            hub,
            hub_urls,
            folder,
        } => {
            let site = KitSite {
                url: &url,
                site: &site,
                hub_urls: &hub_urls,
            };
            kit(home, &site, hub.as_deref(), &folder)
        }
        Command::Bank(command) => import_bank(home, command),
        Command::Plan(command) => import_plan(home, command),
        Command::Sitting(SittingCommand::List) => prints::sittings(home),
        Command::Issue { sitting, .. } => issue_sittings(home, sitting),
        Command::Release {
            sitting,
            half,
            to,
            early,
        } => {
            let request = ReleaseRequest {
                sitting_no: &sitting,
                half: half.and_then(Half::from_number),
                to: &to,
                early_reason: early.as_deref(),
            };
            prints::slip(&release::release(home, &request, now_ms())?, &to);
            Ok(())
        }
        Command::Device(command) => devices(home, command),
        Command::Report(ReportCommand::List { device }) => reports::list(home, device.as_deref()),
        Command::Hub(command) => hubs::run(home, command),
        Command::Grant {
            fingerprint,
            sitting,
            ..
        } => give_grants(home, &fingerprint, sitting.as_deref()),
        Command::Order {
            sitting,
            kind,
            reason,
            by,
        } => orders(home, kind, [sitting, reason, by]),
        Command::Courier(command) => by_courier(home, command),
        Command::Serve {
            listen,
            port_file,
            health,
        } => serving::serve(home.clone(), listen, port_file.as_deref(), health),
        Command::Results { sitting, out } => {
            let results = results::open(home, &sitting, now_ms())?;
            results::export(&results, &out)?;
            prints::results(&results, &out);
            Ok(())
        }
        Command::AttemptKey {
            sitting,
            ticket,
            version,
            out,
        } => attempt_key(home, &sitting, &ticket, version, &out),
        Command::Roll { site, sitting, out } => write_roll(
            home,
            RollScope {
                site,
                sitting_no: sitting,
            },
            &out,
        ),
    }
}

fn import_bank(home: &Home, command: BankCommand) -> Result<(), CenterError> {
    let BankCommand::Import {
        file,
        bank,
        pictures,
    } = command;
    let pictures = pictures.as_deref();
    let mut conn = home.database()?;
    let imported = bank::import(&mut conn, &file, &bank, pictures, now_ms())?;
    prints::bank(&imported);
    Ok(())
}

fn import_plan(home: &Home, command: PlanCommand) -> Result<(), CenterError> {
    let PlanCommand::Import {
        plan,
        roster,
        photos,
    } = command;
    let from = PlanFiles {
        plan: &plan,
        roster: &roster,
        photos: &photos,
    };
    let center = &home.directory().center_name;
    let imported = plan::import(&mut home.database()?, center, &from, now_ms())?;
    prints::plan(&imported);
    Ok(())
}

fn issue_sittings(home: &Home, sitting: Option<String>) -> Result<(), CenterError> {
    let issued = match sitting {
        Some(sitting) => vec![issue::issue(home, &sitting, now_ms())?],
        None => issue::issue_all(home, now_ms())?,
    };
    prints::issued(&issued);
    Ok(())
}

fn give_grants(home: &Home, fingerprint: &str, sitting: Option<&str>) -> Result<(), CenterError> {
    let Some(sitting) = sitting else {
        let made = offer::grant_all_missing(home, fingerprint, now_ms())?;
        println!("已补发 {made} 份授权\n{made} grants made");
        return Ok(());
    };
    match offer::grant_device(home, fingerprint, sitting, now_ms())? {
        Granted::Made { version } => println!(
            "已补发场次 {sitting} 第 {version} 版的授权\nA grant for version {version} of sitting {sitting} was made"
        ),
        Granted::Held { version } => println!(
            "设备已有场次 {sitting} 第 {version} 版的授权，没有重复补发\nThe device has its grant for version {version} of sitting {sitting} already"
        ),
    }
    Ok(())
}

/// `given`: the sitting, the reason and who approves, which a new order needs.
fn orders(
    home: &Home,
    command: OrderCommand,
    given: [Option<String>; 3],
) -> Result<(), CenterError> {
    if let OrderCommand::List { sitting } = &command {
        let conn = home.database()?;
        listings::orders(&order::list(home, &conn, sitting.as_deref())?);
        return Ok(());
    }
    let [Some(sitting_no), Some(reason), Some(approved_by)] = given else {
        return Err(CenterError::Missing("SITTING --reason --by"));
    };
    let new = NewOrder {
        sitting_no,
        kind: order_kind(command)?,
        reason,
        approved_by,
    };
    let order = order::give(home, new, now_ms())?;
    println!(
        "指令 {} 已签发\nOrder {} is signed",
        order.order_no, order.order_no
    );
    Ok(())
}

fn write_roll(home: &Home, scope: RollScope, out: &Path) -> Result<(), CenterError> {
    files::replace(out, &roll::signed(home, &scope, now_ms())?)?;
    println!(
        "见证名册已写入 {}\nThe signed roll is in {}",
        out.display(),
        out.display()
    );
    Ok(())
}

fn by_courier(home: &Home, command: CourierCommand) -> Result<(), CenterError> {
    match command {
        CourierCommand::Export {
            folder,
            site,
            sitting,
        } => {
            let written = courier::export(home, &folder, &site, sitting.as_deref(), now_ms())?;
            prints::exported(&written, &folder);
            Ok(())
        }
        CourierCommand::Import { folder } => {
            let imported = courier::import(home, &folder)?;
            prints::taken(&imported);
            match imported.refused.len() {
                0 => Ok(()),
                refused => Err(CenterError::NotAllTaken(refused)),
            }
        }
    }
}

fn staff_password() -> Result<(), CenterError> {
    let mut password = String::new();
    let read = std::io::stdin().take(1024).read_to_string(&mut password);
    read.map_err(|source| CenterError::Io {
        path: "stdin".into(),
        source,
    })?;
    println!("{}", staff::password_verifier(&password)?);
    Ok(())
}

fn attempt_key(
    home: &Home,
    sitting: &str,
    ticket: &str,
    version: Option<u32>,
    out: &Path,
) -> Result<(), CenterError> {
    let id = results::release_attempt_key(home, sitting, ticket, version, out)?;
    println!(
        "作答 {id} 的密钥已写入 {}\nThe key of attempt {id} is in {}",
        out.display(),
        out.display()
    );
    Ok(())
}

/// `hub` is the fingerprint of the hub that the site's terminals work through.
fn kit(home: &Home, of: &KitSite, hub: Option<&str>, folder: &Path) -> Result<(), CenterError> {
    match hub {
        None => home.write_kit(folder, of)?,
        Some(hub) => hub::write_kit(home, folder, of, hub)?,
    }
    println!(
        "考试点工具包已写入 {}\nThe site kit is in {}",
        folder.display(),
        folder.display()
    );
    Ok(())
}

fn devices(home: &Home, command: DeviceCommand) -> Result<(), CenterError> {
    match command {
        DeviceCommand::List => prints::devices(&device::list(&home.database()?)?),
        DeviceCommand::Alerts { device } => {
            let conn = home.database()?;
            let device = device
                .map(|fingerprint| device::by_fingerprint(&conn, &fingerprint))
                .transpose()?;
            let of = device.as_ref();
            listings::alerts(&alert::list(&conn, of)?);
            listings::read_backs(&alert::read_backs(&conn, of)?);
        }
        DeviceCommand::Approve { fingerprint, by } => {
            let device = device::approve(home, &fingerprint, &by, now_ms())?;
            println!(
                "已批准设备 {}（{}）\nDevice {} ({}) is approved",
                device.name, device.site, device.name, device.site
            );
        }
        DeviceCommand::Revoke { fingerprint, by } => {
            let device = device::revoke(home, &fingerprint, &by, now_ms())?;
            println!(
                "已停用设备 {}\nDevice {} is revoked",
                device.name, device.name
            );
        }
    }
    Ok(())
}

fn order_kind(command: OrderCommand) -> Result<OrderKind, CenterError> {
    let ms = |minutes: u32| i64::from(minutes) * 60_000;
    Ok(match command {
        OrderCommand::List { .. } => return Err(CenterError::Missing("kind of the order")),
        OrderCommand::LateEntry { ticket } => OrderKind::LateEntry { ticket_no: ticket },
        OrderCommand::Reopen { ticket } => OrderKind::Reopen { ticket_no: ticket },
        OrderCommand::Postpone { minutes } => OrderKind::Postpone { by_ms: ms(minutes) },
        OrderCommand::Credit {
            minutes,
            ticket,
            class,
        } => {
            let scope = match (ticket, class) {
                (Some(ticket_no), _) => CreditScope::Candidate { ticket_no },
                (None, Some(class_no)) => CreditScope::ClassGroup { class_no },
                (None, None) => CreditScope::Room {},
            };
            OrderKind::Credit {
                scope,
                credit_ms: ms(minutes),
            }
        }
        OrderCommand::SubstituteStaff {
            id,
            name,
            role,
            password,
        } => {
            let staff = Staff {
                staff_id: id,
                name,
                role: role_of(&role)?,
                password_verifier: password,
            };
            OrderKind::SubstituteStaff { staff }
        }
    })
}

fn role_of(name: &str) -> Result<Role, CenterError> {
    Ok(match name {
        "proctor" => Role::Proctor,
        "exam_staff" => Role::ExamStaff,
        "site_head" => Role::SiteHead,
        "system_administrator" => Role::SystemAdministrator,
        "auditor" => Role::Auditor,
        "inspector" => Role::Inspector,
        _ => return Err(CenterError::OutOfRange { what: "role" }),
    })
}
