//! The command line as typed.

use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// 封卷 考试机构端 / the exam center
#[derive(Parser)]
#[command(name = "fengjuan-center", version)]
pub struct Arguments {
    /// 考试机构数据目录 / the center's folder
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// 建立考试机构：密钥、数据库 / make keys and database
    Init {
        /// 英文简称 / short ASCII name
        #[arg(long)]
        id: String,
        /// 全称 / full name
        #[arg(long)]
        name: String,
    },
    /// 写出考试点工具包 / write a site's kit
    Kit {
        #[arg(long)]
        url: String,
        #[arg(long)]
        site: String,
        /// 考试机经由的考场管理机 / hub that the terminals work through
        #[arg(long, value_name = "FINGERPRINT", requires = "hub_urls")]
        hub: Option<String>,
        /// 考场管理机的地址，备用的写在后面 / the hub's address, then those of its standbys
        #[arg(long = "hub-url", value_name = "URL")]
        hub_urls: Vec<String>,
        folder: PathBuf,
    },
    /// 题库 / item banks
    #[command(subcommand)]
    Bank(BankCommand),
    /// 考试计划 / exam plans
    #[command(subcommand)]
    Plan(PlanCommand),
    /// 场次 / sittings
    #[command(subcommand)]
    Sitting(SittingCommand),
    /// 从标准输入读口令，生成工作人员口令摘要 / make a staff password verifier from standard input
    StaffPassword,
    /// 签发场次 / issue a sitting
    Issue {
        #[arg(required_unless_present = "all")]
        sitting: Option<String>,
        /// 签发所有未签发的场次 / every sitting not yet issued
        #[arg(long, conflicts_with = "sitting")]
        all: bool,
    },
    /// 发放授权密码单 / print the code slip
    Release {
        sitting: String,
        /// 两人各持一份密码时，发放第几份 / which of two persons' codes
        #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
        half: Option<u8>,
        /// 领取人 / who receives it
        #[arg(long)]
        to: String,
        /// 提前发放的理由 / why before its time
        #[arg(long, value_name = "REASON")]
        early: Option<String>,
    },
    /// 设备 / devices
    #[command(subcommand)]
    Device(DeviceCommand),
    /// 考场管理机及其委托 / hubs and their delegations
    #[command(subcommand)]
    Hub(HubCommand),
    /// 考前检查报告 / readiness reports
    #[command(subcommand)]
    Report(ReportCommand),
    /// 为设备补发场次授权 / grant a sitting to a device
    Grant {
        fingerprint: String,
        #[arg(required_unless_present = "all_missing")]
        sitting: Option<String>,
        /// 补发该设备缺少的全部授权 / every grant that the device lacks
        #[arg(long, conflicts_with = "sitting")]
        all_missing: bool,
    },
    /// 考试机构指令：order 场次 --reason 理由 --by 批准人 种类；order list / orders: order SITTING --reason R --by NAME KIND; order list
    #[command(subcommand_negates_reqs = true)]
    Order {
        #[arg(required = true)]
        sitting: Option<String>,
        #[arg(long)]
        reason: Option<String>,
        /// 批准人 / who approves
        #[arg(long)]
        by: Option<String>,
        #[command(subcommand)]
        kind: OrderCommand,
    },
    /// U 盘传递 / by USB courier
    #[command(subcommand)]
    Courier(CourierCommand),
    /// 提供服务 / serve the sites
    Serve {
        #[arg(long, default_value = "0.0.0.0:8443")]
        listen: SocketAddr,
        /// 监听成功后把地址写入文件 / write the bound address to a file
        #[arg(long)]
        port_file: Option<PathBuf>,
        /// 明文健康检查地址 / plain health check listener
        #[arg(long)]
        health: Option<SocketAddr>,
    },
    /// 开封成绩、复核、导出 / open, regrade and export results
    Results {
        sitting: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 放出一次作答的密钥，供审计查看其答案 / release one attempt's key to an auditor
    AttemptKey {
        sitting: String,
        ticket: String,
        /// 作答所用的签发版本，默认最新 / version that the attempt was made with, else the newest
        #[arg(long)]
        version: Option<u32>,
        /// 新文件，只有本人可读 / a new file that only its owner may read
        #[arg(long)]
        out: PathBuf,
    },
    /// 写出见证方名册 / write the witness's signed roll
    Roll {
        #[arg(long)]
        site: Option<String>,
        #[arg(long)]
        sitting: Option<String>,
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
pub enum BankCommand {
    /// 导入 .xlsx 或 .csv / import
    Import {
        file: PathBuf,
        #[arg(long)]
        bank: String,
        /// 图片文件夹或 zip / folder or zip of pictures
        #[arg(long)]
        pictures: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum PlanCommand {
    /// 导入计划、名册和照片 / import plan, roster and photos
    Import {
        plan: PathBuf,
        #[arg(long)]
        roster: PathBuf,
        #[arg(long)]
        photos: PathBuf,
    },
}

#[derive(Subcommand)]
pub enum SittingCommand {
    /// 全部场次 / every sitting
    List,
}

#[derive(Subcommand)]
pub enum DeviceCommand {
    /// 全部设备 / every device
    List,
    /// 警报和读回记录 / alerts and read-backs
    Alerts {
        /// 只看一台设备 / one device only
        #[arg(long, value_name = "FINGERPRINT")]
        device: Option<String>,
    },
    /// 两人核对指纹后批准 / approve after two people compared the fingerprint
    Approve {
        fingerprint: String,
        #[arg(long)]
        by: String,
    },
    /// 停用 / revoke
    Revoke {
        fingerprint: String,
        #[arg(long)]
        by: String,
    },
}

#[derive(Subcommand)]
pub enum ReportCommand {
    /// 每台设备最近一次检查 / every device's newest report
    List {
        /// 只看一台设备，列出每一项 / one device only, row by row
        #[arg(long, value_name = "FINGERPRINT")]
        device: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum HubCommand {
    /// 全部考场管理机 / every hub
    List,
    /// 两人核对指纹后委托；设备未批准的一并批准 / delegate after two people compared the fingerprint; approves the device too
    Approve {
        fingerprint: String,
        /// 只限一个考场，默认本考试点任一考场 / one room only, else any of its site
        #[arg(long)]
        room: Option<String>,
        /// 最后一天，默认 30 天 / last day, else 30 days
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Option<String>,
        #[arg(long)]
        by: String,
    },
    /// 收回委托 / withdraw the delegation
    Revoke {
        fingerprint: String,
        #[arg(long)]
        by: String,
    },
}

#[derive(Subcommand)]
pub enum CourierCommand {
    /// 写出考试点的试卷、授权、指令和登记批准 / write a site's papers, grants, orders and device certificates
    Export {
        folder: PathBuf,
        #[arg(long)]
        site: String,
        /// 只写一个场次 / one sitting only
        #[arg(long)]
        sitting: Option<String>,
    },
    /// 收下考试机的答卷、记录和登记申请，写回执 / take what terminals sent, requests to enrol too, and write receipts
    Import { folder: PathBuf },
}

#[derive(Subcommand)]
pub enum OrderCommand {
    /// 全部指令及送达情况 / every order and how far it went
    List {
        /// 只看一个场次 / one sitting only
        #[arg(long)]
        sitting: Option<String>,
    },
    /// 准许迟到考生入场 / let a late candidate in
    LateEntry { ticket: String },
    /// 补时：不指定则全场 / credit time; the whole room unless limited
    Credit {
        minutes: u32,
        #[arg(long, conflicts_with = "class")]
        ticket: Option<String>,
        #[arg(long)]
        class: Option<String>,
    },
    /// 整场顺延 / postpone the sitting
    Postpone { minutes: u32 },
    /// 恢复误交的答卷 / reopen a mistaken hand-in
    Reopen { ticket: String },
    /// 增派工作人员 / one more member of staff
    SubstituteStaff {
        #[arg(long)]
        id: String,
        #[arg(long)]
        name: String,
        /// proctor, exam_staff, site_head, system_administrator, auditor, inspector
        #[arg(long)]
        role: String,
        /// staff-password 的输出 / output of staff-password
        #[arg(long)]
        password: String,
    },
}
