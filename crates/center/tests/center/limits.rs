//! What a stranger, a broken device or a missing file cannot do to the center.

use crate::day::{Day, Device};
use crate::protocol::{Caller, answer, app};
use axum::http::{Method, StatusCode};
use fengjuan_center::{CenterError, device};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::upstream::{EnrolReply, UploadState};
use std::fs;

#[tokio::test]
async fn a_device_that_asks_without_end_is_slowed() {
    let day = Day::planned();
    let (busy, calm) = (day.approved(1), day.approved(2));
    let app = app(&day);
    let busy = Caller {
        app: app.clone(),
        device: &busy,
    };
    let mut slowed = None;
    for _ in 0..10_000 {
        let response = busy
            .send(Method::GET, "/v1/directory", Vec::new(), None)
            .await;
        if response.status() != StatusCode::OK {
            slowed = Some(answer::<()>(response).await.unwrap_err());
            break;
        }
    }
    let (status, code) = slowed.unwrap();
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "upstream.too_many_requests")
    );
    let calm = Caller { app, device: &calm };
    calm.bytes("/v1/directory").await;
}

#[tokio::test]
async fn strangers_cannot_fill_the_list_of_devices_or_send_large_bodies() {
    let day = Day::planned();
    let known = day.approved(1);
    let kem = Device::new(2).kem;
    let mut conn = day.home.database().unwrap();
    let mut last = None;
    for number in 0..=500u32 {
        let mut seed = [9; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let mut request = known.request();
        request.sign = SigningKey::from_seed(&seed).public();
        request.kem = kem.public();
        last = Some(device::enrol(&mut conn, &request, 5).unwrap());
    }
    let full = EnrolReply::Refused {
        code: "enrol.too_many_pending".to_owned(),
    };
    assert_eq!(last, Some(full));
    assert_eq!(device::list(&conn).unwrap().len(), 501);
    // Who is known already is still answered.
    assert!(matches!(day.enrol(&known), EnrolReply::Approved { .. }));
    let stranger = Device::new(7);
    let caller = Caller {
        app: app(&day),
        device: &stranger,
    };
    let large = caller
        .send(Method::POST, "/v1/enrol", vec![0; 16 * 1024 + 1], None)
        .await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn a_clone_that_asks_again_and_again_is_one_alert_an_hour() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let mut clone = terminal.request();
    clone.machine = vec![8; 32];
    let mut conn = day.home.database().unwrap();
    for second in 0..100 {
        device::enrol(&mut conn, &clone, second * 1000).unwrap();
    }
    assert_eq!(device::list(&conn).unwrap()[0].alerts, 1);
    device::enrol(&mut conn, &clone, 3_700_000).unwrap();
    assert_eq!(device::list(&conn).unwrap()[0].alerts, 2);
}

#[tokio::test]
async fn a_device_cannot_fill_the_disk_with_beginnings() {
    let day = Day::planned();
    let (terminal, other) = (day.approved(1), day.approved(2));
    let app = app(&day);
    let part = async |device: &Device, number: u32, offset: usize| {
        let path = format!(
            "/v1/uploads/{}?offset={offset}&total=5000",
            fengjuan_wire::hash(&number.to_be_bytes()).hex()
        );
        let caller = Caller {
            app: app.clone(),
            device,
        };
        answer::<UploadState>(caller.send(Method::PUT, &path, vec![1; 10], None).await).await
    };
    for number in 0..64 {
        part(&terminal, number, 0).await.unwrap();
    }
    let (status, code) = part(&terminal, 64, 0).await.unwrap_err();
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "upload.too_many_open")
    );
    assert_eq!(
        part(&terminal, 3, 10).await.unwrap().offset,
        20,
        "what is begun goes on"
    );
    part(&other, 64, 0).await.unwrap();
}

#[test]
fn a_missing_database_is_said_and_not_made_anew() {
    let day = Day::bare();
    let path = day.home.path().join("center.db");
    fs::rename(&path, day.home.path().join("center.db.away")).unwrap();
    assert!(matches!(day.home.database(), Err(CenterError::Database(_))));
    assert!(!path.exists());
}
