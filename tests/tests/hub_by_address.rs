//! A terminal whose kit knows the center alone takes the room's hub by the address on the station's page.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::day::Stage;
use fengjuan_tests::kiosk::{Kiosk, Start, wait_until};
use fengjuan_tests::plan::{self, Terms};
use fengjuan_tests::room::Room;
use fengjuan_tests::scene::Scene;
use fengjuan_tests::{station, steps};

/// The program begins anew in its own process; whoever draws its page is another one then.
async fn takes(kiosk: &mut Kiosk, address: &str) -> anyhow::Result<()> {
    let (app, page) = (kiosk.app_pid()?, kiosk.page_pid()?);
    kiosk.type_in("join-text", address).await?;
    kiosk.picture("address-typed").await?;
    kiosk.click("join-submit").await?;
    wait_until("the program to begin anew", async || {
        Ok(kiosk.page_pid().is_ok_and(|now| now != page))
    })
    .await?;
    anyhow::ensure!(kiosk.app_pid()? == app, "it is another process");
    // The page that WebDriver held is gone with the program that was.
    kiosk.kill()?;
    kiosk.reopen().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_address_is_the_hub_from_then_on() {
    let folder = Scene::folder_of("hub-by-address");
    let stage = Stage {
        folder: folder.clone(),
        size: (1366, 768),
        display: None,
    };
    let room = Room::open(&stage).await.unwrap();
    let people = plan::four_candidates();
    room.issue_and_pull(&Terms::soon(3_600), &people[..1])
        .await
        .unwrap();
    let start = Start::terminal("考试机1", room.center.site_kit());
    let mut kiosk = stage
        .open(folder.join("terminal-1"), start, 1)
        .await
        .unwrap();
    kiosk.keep_pictures(&folder.join("pictures"));
    kiosk.wait_screen("enrol").await.unwrap();
    // What is no address is refused in words, and the program goes on.
    kiosk.type_in("join-text", "192.168.6.10").await.unwrap();
    kiosk.click("join-submit").await.unwrap();
    let unreadable = "hub.address_unreadable";
    kiosk
        .wait_attr("banner", "data-code", unreadable)
        .await
        .unwrap();
    takes(&mut kiosk, &room.url).await.unwrap();
    kiosk.wait_text("join-named", &room.url).await.unwrap();
    let fingerprint = steps::ask_in(&kiosk).await.unwrap();
    station::approve(&room.station, &fingerprint, Some(1))
        .await
        .unwrap();
    steps::wait_off_screen(&kiosk, "enrol").await.unwrap();
    kiosk.close().await.unwrap();
    room.close().await.unwrap();
}
