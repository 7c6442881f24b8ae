//! Hubs on the command line.

use super::arguments::HubCommand;
use super::{local_time, table};
use chrono::{Days, FixedOffset, NaiveDate, NaiveTime};
use fengjuan_center::hub::{self, Decided, Hub, NewDelegation, Standing};
use fengjuan_center::{CenterError, Home, now_ms};

pub fn run(home: &Home, command: HubCommand) -> Result<(), CenterError> {
    match command {
        HubCommand::List => {
            print(&hub::list(home, &home.database()?)?);
            Ok(())
        }
        HubCommand::Approve {
            fingerprint,
            room,
            until,
            by,
        } => {
            let new = NewDelegation {
                fingerprint: &fingerprint,
                room_no: room.as_deref(),
                until_ms: until.as_deref().map(end_of_day).transpose()?,
                by: &by,
            };
            let decided = hub::approve(home, &new, now_ms())?;
            let (name, standing) = (&decided.hub.device.name, standing(&decided.hub.standing));
            println!("已委托考场管理机 {name}：{standing}\nHub {name} is delegated: {standing}");
            again(&decided);
            Ok(())
        }
        HubCommand::Revoke { fingerprint, by } => {
            let decided = hub::revoke(home, &fingerprint, &by, now_ms())?;
            let name = &decided.hub.device.name;
            println!("已收回考场管理机 {name} 的委托\nThe delegation of hub {name} is withdrawn");
            again(&decided);
            Ok(())
        }
    }
}

/// The first moment after a day in Beijing.
fn end_of_day(day: &str) -> Result<i64, CenterError> {
    let next = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok();
    let next = next.and_then(|day| day.checked_add_days(Days::new(1)));
    let zone = FixedOffset::east_opt(8 * 3600);
    let moment = next.zip(zone).and_then(|(next, zone)| {
        let midnight = next.and_time(NaiveTime::MIN).and_local_timezone(zone);
        midnight.single()
    });
    moment
        .map(|moment| moment.timestamp_millis())
        .ok_or(CenterError::BadLastDay)
}

/// A sitting says which hubs may make grants for it, and says so only when it is issued.
fn again(decided: &Decided) {
    if decided.to_reissue.is_empty() {
        return;
    }
    let sittings = decided.to_reissue.join(" ");
    println!(
        "以下场次签发在前，须重新签发（issue）才会生效：{sittings}\nIssued before this, and to be issued again to follow it: {sittings}"
    );
}

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Undelegated => "未委托 none".to_owned(),
        Standing::Withdrawn => "已收回 withdrawn".to_owned(),
        Standing::Delegated(delegation) => {
            let until = local_time(delegation.not_after_ms);
            match &delegation.room_no {
                Some(room_no) => format!("考场 {room_no}，至 {until}"),
                None => format!("全部考场 any room，至 {until}"),
            }
        }
    }
}

fn print(hubs: &[Hub]) {
    let rows: Vec<Vec<String>> = hubs
        .iter()
        .map(|hub| {
            vec![
                hub.device.fingerprint.clone(),
                hub.device.name.clone(),
                hub.device.site.clone(),
                super::prints::state(hub.device.state).to_owned(),
                standing(&hub.standing),
                hub.devices.to_string(),
            ]
        })
        .collect();
    let header = [
        "指纹 fingerprint",
        "考场管理机 hub",
        "考试点 site",
        "设备 device",
        "委托 delegation",
        "登记的考试机 terminals",
    ];
    table::print(&header, &rows);
}
