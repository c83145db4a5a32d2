PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-22 04:26:41');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-22 04:26:41');
CREATE TABLE installation (
  id                    INTEGER PRIMARY KEY CHECK (id = 1),
  next_id               INTEGER NOT NULL,
  key_check             BLOB    NOT NULL,
  created_at            INTEGER NOT NULL,
  recovery_confirmed_at INTEGER NOT NULL DEFAULT 0
);
INSERT INTO installation VALUES(1,1001,X'f710ecb619d1c110d4709eb48f51c3d5',1795338000000000,0);
CREATE TABLE staff (
  id             INTEGER PRIMARY KEY,
  address_sealed BLOB    NOT NULL,
  address_index  BLOB    NOT NULL UNIQUE,
  name_sealed    BLOB    NOT NULL,
  role           TEXT    NOT NULL,
  language       TEXT    NOT NULL,
  password_hash  TEXT    NOT NULL,
  created_at     INTEGER NOT NULL,
  disabled_at    INTEGER NOT NULL DEFAULT 0,
  version        INTEGER NOT NULL DEFAULT 1
);
INSERT INTO staff VALUES(3,X'0161ab9a940808ce625987527b5cca6788e6e027147e5ef4e938ff0b08e41704078712b8f7d09e692d87d4a77c898dc7f9e2c221ad4e8ba388c36639f777983ef90ce183',X'b4ff125c75613a98cdf9ce5f5bd07b18',X'018d0a863f73a26ac3ebb8549323f4e1338c11d02e703954c8526ca2d4298d2b7bd62b7db99b75715abe4b20805b92','editor','en','',1795338000000000,0,1);
CREATE TABLE session (
  token_hash TEXT    PRIMARY KEY,
  staff_id   INTEGER NOT NULL DEFAULT 0,
  data       BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
);
CREATE TABLE password_reset (
  token_hash BLOB    PRIMARY KEY,
  staff_id   INTEGER NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  actor_kind TEXT    NOT NULL,
  staff_id   INTEGER NOT NULL DEFAULT 0,
  action     TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,
  detail     TEXT    NOT NULL DEFAULT ''
);
INSERT INTO audit VALUES(2,1795338000000000,'system',0,'newsletter.create','newsletter',1,'');
INSERT INTO audit VALUES(5,1795338000000000,'system',0,'staff.add','staff',3,'editor');
INSERT INTO audit VALUES(7,1795338000000000,'system',0,'sample','',6,'');
INSERT INTO audit VALUES(159,1795338000000000,'system',0,'subscriber.suppress','subscriber',12,'');
INSERT INTO audit VALUES(162,1795338000000000,'system',0,'issue.create','issue',161,'');
INSERT INTO audit VALUES(163,1795338000000000,'staff',3,'issue.approve','issue',161,'');
INSERT INTO audit VALUES(164,1795338000000000,'staff',3,'issue.launch','issue',161,'');
INSERT INTO audit VALUES(168,1795341600000000,'system',0,'issue.create','issue',167,'');
INSERT INTO audit VALUES(169,1795341600000000,'staff',3,'issue.approve','issue',167,'');
INSERT INTO audit VALUES(170,1795341600000000,'staff',3,'issue.launch','issue',167,'');
INSERT INTO audit VALUES(172,1795341600000000,'system',0,'issue.create','issue',171,'');
INSERT INTO audit VALUES(173,1795341600000000,'staff',3,'issue.approve','issue',171,'');
INSERT INTO audit VALUES(174,1795341600000000,'staff',3,'issue.launch','issue',171,'');
CREATE TABLE newsletter (
  id                INTEGER PRIMARY KEY,
  slug              TEXT    NOT NULL UNIQUE,
  title_en          TEXT    NOT NULL,
  title_ko          TEXT    NOT NULL,
  covers_en         TEXT    NOT NULL,
  covers_ko         TEXT    NOT NULL,
  frequency_en      TEXT    NOT NULL,
  frequency_ko      TEXT    NOT NULL,
  wording_version   INTEGER NOT NULL DEFAULT 1,
  schedule          TEXT    NOT NULL,
  zone              TEXT    NOT NULL,
  welcome_at        TEXT    NOT NULL DEFAULT '20:00',
  assemble_lead     INTEGER NOT NULL,
  grace             INTEGER NOT NULL,
  sender_name_en    TEXT    NOT NULL,
  sender_name_ko    TEXT    NOT NULL,
  sender_address    TEXT    NOT NULL,
  reply_to_name_en  TEXT    NOT NULL,
  reply_to_name_ko  TEXT    NOT NULL,
  reply_to_address  TEXT    NOT NULL,
  solo_mode         INTEGER NOT NULL DEFAULT 0,
  created_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL DEFAULT 1
);
INSERT INTO newsletter VALUES(1,'partners','Partner Letter','동역 편지','Prayer and news.','기도와 소식.','Weekly.','매주.',1,'0 20 * * 4','Asia/Seoul','20:00',0,43200000000,'Ministry','사역','letters@ministry.example.org','Office','사무실','office@ministry.example.org',0,1795338000000000,1);
CREATE TABLE project (
  id       INTEGER PRIMARY KEY,
  slug     TEXT    NOT NULL UNIQUE,
  title_en TEXT    NOT NULL,
  title_ko TEXT    NOT NULL,
  page_url TEXT    NOT NULL DEFAULT ''
);
CREATE TABLE page (
  id          INTEGER PRIMARY KEY,
  url         TEXT    NOT NULL UNIQUE,
  title_en    TEXT    NOT NULL,
  title_ko    TEXT    NOT NULL,
  project_id  INTEGER REFERENCES project (id),
  next_number INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL
);
CREATE TABLE comment (
  id             INTEGER PRIMARY KEY,
  page_id        INTEGER NOT NULL REFERENCES page (id) ON DELETE CASCADE,
  parent_id      INTEGER REFERENCES comment (id) ON DELETE CASCADE,
  number         INTEGER, -- given at approval
  name_sealed    BLOB    NOT NULL,
  address_sealed BLOB    NOT NULL,
  address_index  BLOB    NOT NULL,
  body_sealed    BLOB    NOT NULL,
  language       TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  staff_id       INTEGER REFERENCES staff (id),
  wants_updates  INTEGER NOT NULL DEFAULT 0,
  ip_sealed      BLOB    NOT NULL,
  ip_index       BLOB    NOT NULL,
  created_at     INTEGER NOT NULL,
  decided_at     INTEGER NOT NULL DEFAULT 0,
  decided_by     INTEGER NOT NULL DEFAULT 0,
  UNIQUE (page_id, number)
);
CREATE TABLE subscriber (
  id             INTEGER PRIMARY KEY,
  address_sealed BLOB    NOT NULL,
  address_index  BLOB    NOT NULL UNIQUE,
  name_sealed    BLOB    NOT NULL,
  name_index     BLOB    NOT NULL,
  lane           BLOB    NOT NULL, -- keyed hash of the mail domain
  language       TEXT    NOT NULL,
  created_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 1
);
INSERT INTO subscriber VALUES(8,X'01544563e00ed0f1fec4957fc189b986f936966cb7aacb9dd8182733aac06a54e7fbbdb8a7270c9e7c04b3de362aa962362a2b0b8be1e9807414c84e',X'cc5eaaa34d7bd0b4ef933e892d1a67c2',X'018c367c1e43f25dcae24437d5d9706ec223f5c5e78541ff16b9d84c6ea3f63f5a892c5686baef6e68611c676fce87728a',X'42ec522e3e308cee2ddc140523a79ca1',X'ba0cdbdefe2900228338cf06fa9bfcec','en',1795338000000000,1);
INSERT INTO subscriber VALUES(12,X'01eba8be99a832b2fe9a0da5a351b0ac0f5534064b0a4bb1deb7d3363fd205cfdf4f916ac6bab087fc6fa2c50c721ea2eed57e990be29d22658f4a5a',X'048917ea0e8cd1250c8252301b9ce6fc',X'017769640294633de19bc1a5682133c1c8b38e393dca7e0a8436f6705e9ea06ce1a86a437cec8d00ce099a2047cf9b5448',X'2d49a23f6d0f6a179a62107860692c1e',X'ba0cdbdefe2900228338cf06fa9bfcec','ko',1795338000000000,1);
INSERT INTO subscriber VALUES(16,X'01f4d3c701768ff7f0879f0721e0d92aeeeb09ba9bd4464adfc569f7c3a23160360312b37daef414748b0995e1ece05e2e31d72eb217813488c89ca8',X'31f9b99aab37168243e55910f73607eb',X'01e1ec9b8e98d96d2085839c9a9aa60c5aeab0920c23d341fa36434b12948437d344bb5d3f7bac369f408ae43fdff745f7',X'50c6d5d76a964b98890e58776640e117',X'ba0cdbdefe2900228338cf06fa9bfcec','en',1795338000000000,1);
INSERT INTO subscriber VALUES(20,X'0146047f1fec3b7fefd378d00cdae60092cc6bf2840707e0c354557be0cdef87b83984637787dc7ab2994e26fe88c272fdcf57baa52c380cf27d33e3',X'6e381cf236eb0ca586ca6d051f44988a',X'014cdccbb6d05e95e3c3db48faeaf572a84558d08037132c759b7df06a0375d86a2f74de6d9171f8799d463a66769ecb7a',X'f7fa26132359d4918f9018a22aeb4750',X'ba0cdbdefe2900228338cf06fa9bfcec','ko',1795338000000000,1);
INSERT INTO subscriber VALUES(24,X'01f026803e83cf826fb86476ee554e90b8238b36fa2c319132771d21dd52098aa4c8148969a1afe4890d36cd1f0d85d820660fbae00f6be6cfd85051',X'094e59ad8ac510bd17d5db5dd562b436',X'01c68c1ca82706dd603fdbfe7e70f6a5bbdcaf575bb5b91cb30b59b803571db4d643d4114713f4572e9604100c8877afd5',X'519d8da2d970ba6c0bbdbc61f2e2f94c',X'ba0cdbdefe2900228338cf06fa9bfcec','en',1795338000000000,1);
INSERT INTO subscriber VALUES(28,X'0101fb7d75ea869dcf92b4c3353ed3900e6647bb08b409acddb2fc42c9f96d7bbf5f0fa23a8291030433ebcaf99bdce579fe9ce319db4c9a0887a698',X'0c668e45cf21e017032f45f963fe87bc',X'017e9f99fc7b75c8bd7d395b7e1a43c529419295258cf4c1ea0194a3465a1ddcffb520def8dfdd3f7ea482c3d639edf4de',X'7ea136b970747a03b6eed15a88e0e881',X'ba0cdbdefe2900228338cf06fa9bfcec','ko',1795338000000000,1);
INSERT INTO subscriber VALUES(32,X'015897ae097860a611a84ff46a2af3ab8d444d1c4be7568f43203b199721a93e0dae7b7782f522e9c57329273d1439922510ab48e67ca926c43383c3',X'57c8f30bdfcea23a081e7f5c7de410f3',X'016045903ac0c94024d1804f748657a93b9a7f07fe47c03b06184a64b75d9cbd2dc3456095fda14d0fa51a7e9b586c956a',X'e12fbfb7d61caa8f648d9e9fa1ce86c0',X'ba0cdbdefe2900228338cf06fa9bfcec','en',1795338000000000,1);
INSERT INTO subscriber VALUES(36,X'011617d9f0039a28eb32dafe50d9855c36f52bd790e34525c4d00756f8a3342934062277762850ba354fc49ef7336bb76bebc0ab17130af7bceac2e6',X'28837fbaa3aaec5cf53d51ce307f45a9',X'01db26f46f1d88513664ef472f7461cc30b8de5d9dce3e59679c0c5d93918313b546a383895694fc4cfcc13438b074d3c2',X'620d85fbffefebacf6c799c1f31e4243',X'ba0cdbdefe2900228338cf06fa9bfcec','ko',1795338000000000,1);
INSERT INTO subscriber VALUES(40,X'0110df0c9ef2cb5b4d5a2de24022641e97428f755cd23b0cda34e322c3b6428fe5a597021b808268187aef15292c73fb8bba548e057ca486ae5c801e',X'cc8cfa3667e71f1639dc1d05f0a66a2c',X'0169e045ac8f2aede714edd917c157e85a995ea2ee3828a0c395b319eb909108dae6fa45d38258d03c92b89f73054bcdd5',X'05403bd2330942309cd95e01adeb008c',X'ba0cdbdefe2900228338cf06fa9bfcec','en',1795338000000000,1);
INSERT INTO subscriber VALUES(44,X'01ccf262fd91b36888e6dc51667f4af528874c0ab0f82918968e3f335b308853ecee2b088dfc7e2e5a67f5b881fbaf20f0f49d2c681378c1c27e60c2',X'1701e1e7940c769d2831618696d4a647',X'01fda590b133050d1f681261c3204fa6b4b33295263ee553b5bbde0b8619cfa3bb586b42394195ec7fd7ac85c3c3215dfa',X'7773ff3932f842d0bafe406060740afd',X'ba0cdbdefe2900228338cf06fa9bfcec','ko',1795338000000000,1);
INSERT INTO subscriber VALUES(48,X'01e3dd3d1b71506c95912ff9bc80fec061f66346674c6971492fe508f23a3246ddeff0e8215270261bb6435c13a79fe098b31006647652a140355c0bd7',X'60d9e2d88dc5aea76b8546b7b414b233',X'0181bdde766b19eb21b6d2452f6c23bbb3ef764227fcc2e43303d8a01a516a2dac99366557214b6225e5045d868075cc5cb7',X'20dc74a32d613baffb71e8ec4c156ca2',X'ba0cdbdefe2900228338cf06fa9bfcec','en',1795338000000000,1);
INSERT INTO subscriber VALUES(52,X'0148c92da0d72b08ef5413ac6f0c5fe6bd048581d439f53a399af8fb47450b7c79811d4edf0a35ed9f65f60ce5a974e4a487fa4006d42f3c730fffe821',X'90cdd65c9e2e774450b723529a0a7134',X'019bbfd72230e6ef972699b4e9ae048561b5a4ad4325ba49801c2f660b0098d740afa857e71b492bd889b01dc545d89903c8',X'bdb2705f9d52810465ce546ffb5970f1',X'ba0cdbdefe2900228338cf06fa9bfcec','ko',1795338000000000,1);
CREATE TABLE subscription (
  id            INTEGER PRIMARY KEY,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id INTEGER NOT NULL REFERENCES newsletter (id),
  state         TEXT    NOT NULL,
  form          TEXT    NOT NULL DEFAULT 'full',
  pace          TEXT    NOT NULL DEFAULT 'weekly',
  paused_until  INTEGER NOT NULL DEFAULT 0,
  confirmed_at  INTEGER NOT NULL DEFAULT 0,
  left_at       INTEGER NOT NULL DEFAULT 0,
  welcome_at    INTEGER NOT NULL DEFAULT 0,
  version       INTEGER NOT NULL DEFAULT 1,
  UNIQUE (subscriber_id, newsletter_id)
);
INSERT INTO subscription VALUES(9,8,1,'left','full','weekly',0,1795338000000000,1795338000000000,0,2);
INSERT INTO subscription VALUES(13,12,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(17,16,1,'confirmed','discreet','monthly',1797930000000000,1795338000000000,0,0,2);
INSERT INTO subscription VALUES(21,20,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(25,24,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(29,28,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(33,32,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(37,36,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(41,40,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(45,44,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(49,48,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
INSERT INTO subscription VALUES(53,52,1,'confirmed','full','weekly',0,1795338000000000,0,0,1);
CREATE TABLE signup (
  id              INTEGER PRIMARY KEY,
  newsletter_id   INTEGER NOT NULL REFERENCES newsletter (id),
  source          TEXT    NOT NULL,
  state           TEXT    NOT NULL,
  name_sealed     BLOB    NOT NULL,
  address_sealed  BLOB    NOT NULL,
  address_index   BLOB    NOT NULL,
  language        TEXT    NOT NULL,
  page_url        TEXT    NOT NULL DEFAULT '',
  comment_id      INTEGER REFERENCES comment (id) ON DELETE SET NULL,
  staff_id        INTEGER REFERENCES staff (id),
  evidence_sealed BLOB    NOT NULL,
  wording         TEXT    NOT NULL,
  wording_version INTEGER NOT NULL,
  ip_sealed       BLOB    NOT NULL,
  created_at      INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  confirmed_at    INTEGER NOT NULL DEFAULT 0,
  subscriber_id   INTEGER REFERENCES subscriber (id) ON DELETE SET NULL,
  mails           INTEGER NOT NULL DEFAULT 0, -- confirmation mails lately
  mailed_at       INTEGER NOT NULL DEFAULT 0  -- the last of them
);
CREATE TABLE mail_limit (
  address_index BLOB    PRIMARY KEY,
  since         INTEGER NOT NULL,
  mails         INTEGER NOT NULL
);
CREATE TABLE consent (
  id              INTEGER PRIMARY KEY,
  subscriber_id   INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id   INTEGER NOT NULL REFERENCES newsletter (id),
  signup_id       INTEGER REFERENCES signup (id) ON DELETE SET NULL,
  source          TEXT    NOT NULL,
  asked_at        INTEGER NOT NULL,
  given_at        INTEGER NOT NULL,
  page_url        TEXT    NOT NULL DEFAULT '',
  wording         TEXT    NOT NULL,
  wording_version INTEGER NOT NULL,
  language        TEXT    NOT NULL,
  ip_sealed       BLOB    NOT NULL,
  evidence_sealed BLOB    NOT NULL,
  staff_id        INTEGER REFERENCES staff (id)
);
INSERT INTO consent VALUES(10,8,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'en',X'',X'01a43282e4842fa49efdef98ea08d7c8bbf302c1b503e0eefd03387cc9b78735984d13eeb657173a10f87942620fcb',NULL);
INSERT INTO consent VALUES(14,12,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'ko',X'',X'01b238f4f04c86905e32684494dd20fb83b5e27d0fa8b8189c2bed014fe23adda427cf8a4430f94353cda5eb23ad09',NULL);
INSERT INTO consent VALUES(18,16,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'en',X'',X'01f9b8859790defa2d7d4619722521a0e8965dae54d8d7274bd396b3d2472d18a3f9e6b7e1c1600927a6e3a01ff012',NULL);
INSERT INTO consent VALUES(22,20,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'ko',X'',X'0126340dd254641f443acc03c97ac74f69d4e1ad278795ecfb52e961e9e2eab92688641a6f3eb4826b34690647ebfb',NULL);
INSERT INTO consent VALUES(26,24,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'en',X'',X'01a2354510471a14d39ca7266c29b99636bb478a57cf63645e1495f7fe828b7db5baf274b258be6695a46050629613',NULL);
INSERT INTO consent VALUES(30,28,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'ko',X'',X'0165ed21b6bb7e974873d0d9428d059061f3cf446810aa8952b09772a9580f4791f3f599137b98be09594e7e93d82d',NULL);
INSERT INTO consent VALUES(34,32,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'en',X'',X'01076cfa3f57cf8c141a4cc0a021b5eeed15a458914236188cc5b71ad088576779de912a3cfdb79a6cff1515e66648',NULL);
INSERT INTO consent VALUES(38,36,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'ko',X'',X'017c10bcdaf476aefb4e155c1c32fa83232e77e545b20594ffec5ce6996564ea8ce7acba3fe9a39f839cfb1ed84586',NULL);
INSERT INTO consent VALUES(42,40,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'en',X'',X'01191da51f513229f3fd10b4773b7fd769c34b3052e24090cf6691cd9555ee7cc76015026f0d9056291a3ba79fa71f',NULL);
INSERT INTO consent VALUES(46,44,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'ko',X'',X'01f65cecde1262febfffff96c42da5e2b9547dd571c1403e182324deb73eb39f2de6a29ca8d05b970a4c3b6a1e31cc',NULL);
INSERT INTO consent VALUES(50,48,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'en',X'',X'01c3034391dab7a459696d549751e2f980a839071913bcfb00dbd47765d2c14fe97b790ff04d724ef74e9c59a4cefe',NULL);
INSERT INTO consent VALUES(54,52,1,NULL,'import',1795338000000000,1795338000000000,'','Yes.',1,'ko',X'',X'010aef5abf7d5a142c580411b05286d89c8fcc0bcde8fec5a9f4acae6d907e244c6028fdd7c51fa983238bf52f272c',NULL);
CREATE TABLE suppression (
  address_index BLOB    PRIMARY KEY,
  index_version INTEGER NOT NULL,
  reason        TEXT    NOT NULL,
  beneath       TEXT    NOT NULL DEFAULT '', -- the reason that stays when staff lift theirs
  seq           INTEGER NOT NULL UNIQUE, -- an id, for polling
  created_at    INTEGER NOT NULL
);
INSERT INTO suppression VALUES(X'048917ea0e8cd1250c8252301b9ce6fc',1,'staff','',157,1795338000000000);
CREATE TABLE event (
  id            INTEGER PRIMARY KEY,
  at            INTEGER NOT NULL,
  kind          TEXT    NOT NULL,
  way           TEXT    NOT NULL,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id INTEGER NOT NULL,
  issue_id      INTEGER NOT NULL DEFAULT 0,
  reason_sealed BLOB    NOT NULL
);
INSERT INTO event VALUES(11,1795338000000000,'confirmed','import',8,1,0,X'');
INSERT INTO event VALUES(15,1795338000000000,'confirmed','import',12,1,0,X'');
INSERT INTO event VALUES(19,1795338000000000,'confirmed','import',16,1,0,X'');
INSERT INTO event VALUES(23,1795338000000000,'confirmed','import',20,1,0,X'');
INSERT INTO event VALUES(27,1795338000000000,'confirmed','import',24,1,0,X'');
INSERT INTO event VALUES(31,1795338000000000,'confirmed','import',28,1,0,X'');
INSERT INTO event VALUES(35,1795338000000000,'confirmed','import',32,1,0,X'');
INSERT INTO event VALUES(39,1795338000000000,'confirmed','import',36,1,0,X'');
INSERT INTO event VALUES(43,1795338000000000,'confirmed','import',40,1,0,X'');
INSERT INTO event VALUES(47,1795338000000000,'confirmed','import',44,1,0,X'');
INSERT INTO event VALUES(51,1795338000000000,'confirmed','import',48,1,0,X'');
INSERT INTO event VALUES(55,1795338000000000,'confirmed','import',52,1,0,X'');
INSERT INTO event VALUES(56,1795338000000000,'left','page',8,1,0,X'');
INSERT INTO event VALUES(158,1795338000000000,'suppressed','desk',12,0,0,X'');
INSERT INTO event VALUES(160,1795338000000000,'preferences','page',16,1,0,X'');
CREATE TABLE letter (
  id         INTEGER PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  signatures TEXT    NOT NULL DEFAULT '[]', -- JSON array of {en, ko}
  state      TEXT    NOT NULL,
  created_by INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE link (
  id           INTEGER PRIMARY KEY,
  url          TEXT    NOT NULL UNIQUE,
  title_en     TEXT    NOT NULL,
  title_ko     TEXT    NOT NULL,
  summary_en   TEXT    NOT NULL,
  summary_ko   TEXT    NOT NULL,
  publisher    TEXT    NOT NULL,
  published_on TEXT    NOT NULL,
  note         TEXT    NOT NULL DEFAULT '',
  state        TEXT    NOT NULL,
  submitted_by INTEGER NOT NULL DEFAULT 0,
  submitted_at INTEGER NOT NULL,
  decided_by   INTEGER NOT NULL DEFAULT 0,
  decided_at   INTEGER NOT NULL DEFAULT 0,
  solo         INTEGER NOT NULL DEFAULT 0,
  reason       TEXT    NOT NULL DEFAULT '', -- why it was rejected
  version      INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE prayer (
  id          INTEGER PRIMARY KEY,
  project_id  INTEGER REFERENCES project (id),
  link_id     INTEGER REFERENCES link (id),
  headline_en TEXT    NOT NULL,
  headline_ko TEXT    NOT NULL,
  body_en     TEXT    NOT NULL,
  body_ko     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  expires_at  INTEGER NOT NULL DEFAULT 0,
  created_by  INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL DEFAULT 1
);
INSERT INTO prayer VALUES(6,NULL,NULL,'A warm room','따뜻한 방','The boiler broke.','보일러가 고장 났습니다.','current',0,0,1795338000000000,1);
CREATE TABLE question (
  id         INTEGER PRIMARY KEY,
  text_en    TEXT    NOT NULL,
  text_ko    TEXT    NOT NULL,
  url_en     TEXT    NOT NULL,
  url_ko     TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE video (
  id         INTEGER PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  url        TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE issue (
  id                INTEGER PRIMARY KEY,
  newsletter_id     INTEGER NOT NULL REFERENCES newsletter (id),
  number            INTEGER NOT NULL,
  state             TEXT    NOT NULL,
  send_at           INTEGER NOT NULL DEFAULT 0,
  content           TEXT    NOT NULL, -- epistle.Content as JSON
  edited_by         INTEGER NOT NULL DEFAULT 0,
  edited_at         INTEGER NOT NULL,
  approved_by       INTEGER NOT NULL DEFAULT 0,
  approved_at       INTEGER NOT NULL DEFAULT 0,
  approved_digest   TEXT    NOT NULL DEFAULT '',
  approved_audience INTEGER NOT NULL DEFAULT 0,
  tolerance         INTEGER NOT NULL DEFAULT 0,
  held_reason       TEXT    NOT NULL DEFAULT '',
  launched_at       INTEGER NOT NULL DEFAULT 0,
  finished_at       INTEGER NOT NULL DEFAULT 0,
  created_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL DEFAULT 1,
  UNIQUE (newsletter_id, number)
);
INSERT INTO issue VALUES(161,1,1,'sent',0,'{"subject":{"en":"The first","ko":"제목"},"preheader":{"en":"","ko":""},"sections":[{"kind":"prayers","heading":{"en":"","ko":""},"items":[{"kind":"prayer","id":6,"title":{"en":"A warm room","ko":"따뜻한 방"},"body":{"en":"","ko":""},"project":{"en":"","ko":""},"url":{"en":"","ko":""}}]}]}',0,1795338000000000,3,1795338000000000,'21c376794b44428a1f170ffe98c55fb339411e3d5df92f6bc4143dedaa26dc41',9,50,'',1795338000000000,1795338000000000,1795338000000000,2);
INSERT INTO issue VALUES(167,1,2,'sending',0,'{"subject":{"en":"The second","ko":"제목"},"preheader":{"en":"","ko":""},"sections":[{"kind":"prayers","heading":{"en":"","ko":""},"items":[{"kind":"prayer","id":6,"title":{"en":"A warm room","ko":"따뜻한 방"},"body":{"en":"","ko":""},"project":{"en":"","ko":""},"url":{"en":"","ko":""}}]}]}',0,1795341600000000,3,1795341600000000,'f7649e189141e5ffb198f530932837b8a3a6b721444783061c1a3e3f38dfbdc7',9,50,'',1795341600000000,0,1795341600000000,2);
INSERT INTO issue VALUES(171,1,3,'launching',0,'{"subject":{"en":"The third","ko":"제목"},"preheader":{"en":"","ko":""},"sections":[{"kind":"prayers","heading":{"en":"","ko":""},"items":[{"kind":"prayer","id":6,"title":{"en":"A warm room","ko":"따뜻한 방"},"body":{"en":"","ko":""},"project":{"en":"","ko":""},"url":{"en":"","ko":""}}]}]}',0,1795341600000000,3,1795341600000000,'7984db82e5e954bac730a0e04d8032a57d9b688076f491e602fb7324bba0f6df',9,50,'',1795341600000000,0,1795341600000000,2);
CREATE TABLE issue_item (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  kind     TEXT    NOT NULL,
  item_id  INTEGER NOT NULL,
  PRIMARY KEY (issue_id, kind, item_id)
);
INSERT INTO issue_item VALUES(161,'prayer',6);
INSERT INTO issue_item VALUES(167,'prayer',6);
INSERT INTO issue_item VALUES(171,'prayer',6);
CREATE TABLE delivery (
  issue_id      INTEGER  NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  seq           INTEGER  NOT NULL,
  subscriber_id INTEGER  NOT NULL,
  lane          BLOB     NOT NULL,
  kind          SMALLINT NOT NULL DEFAULT 0,
  state         SMALLINT NOT NULL DEFAULT 0,
  attempts      SMALLINT NOT NULL DEFAULT 0,
  code          SMALLINT NOT NULL DEFAULT 0,
  status        TEXT     NOT NULL DEFAULT '',
  first_at      INTEGER  NOT NULL DEFAULT 0, -- the Date of a welcome; 0: the launch
  next_at       INTEGER  NOT NULL DEFAULT 0,
  updated_at    INTEGER  NOT NULL DEFAULT 0,
  PRIMARY KEY (issue_id, seq)
) WITHOUT ROWID;
INSERT INTO delivery VALUES(161,1,20,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,2,24,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,3,28,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,4,32,X'ba0cdbdefe2900228338cf06fa9bfcec',0,3,1,550,'5.1.2',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,5,36,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,6,40,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,7,44,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,8,48,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(161,9,52,X'ba0cdbdefe2900228338cf06fa9bfcec',0,1,1,250,'',0,0,1795338000000000);
INSERT INTO delivery VALUES(167,1,20,X'ba0cdbdefe2900228338cf06fa9bfcec',0,2,1,450,'',0,1795342200000000,1795341600000000);
INSERT INTO delivery VALUES(167,2,24,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,3,28,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,4,32,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,5,36,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,6,40,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,7,44,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,8,48,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(167,9,52,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
INSERT INTO delivery VALUES(171,1,20,X'ba0cdbdefe2900228338cf06fa9bfcec',0,0,0,0,'',0,0,0);
CREATE TABLE sender (
  issue_id    INTEGER PRIMARY KEY REFERENCES issue (id) ON DELETE CASCADE,
  fence       INTEGER NOT NULL DEFAULT 0,
  owner       TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  next_seq    INTEGER NOT NULL DEFAULT 1,
  last_seq    INTEGER NOT NULL DEFAULT 0, -- the highest seq of a bulk delivery so far
  cutoff_id   INTEGER NOT NULL DEFAULT 0, -- the highest subscription at launch
  through_id  INTEGER NOT NULL DEFAULT 0, -- launched up to this subscription
  slots       BLOB    NOT NULL            -- packed [first, last, done] of each connection
);
INSERT INTO sender VALUES(161,1,'gone',1795338060000000,10,9,53,53,X'');
INSERT INTO sender VALUES(167,1,'dead',1795341660000000,7,9,53,53,X'000000000000000100000000000000030000000000000002000000000000000400000000000000060000000000000005');
INSERT INTO sender VALUES(171,1,'dead',1795341660000000,1,1,53,21,X'');
CREATE TABLE notice (
  id             INTEGER PRIMARY KEY,
  kind           TEXT    NOT NULL,
  dedup_key      TEXT    NOT NULL UNIQUE,
  address_sealed BLOB    NOT NULL,
  language       TEXT    NOT NULL,
  data_sealed    BLOB    NOT NULL, -- JSON object
  state          TEXT    NOT NULL,
  attempts       INTEGER NOT NULL DEFAULT 0,
  code           INTEGER NOT NULL DEFAULT 0,
  status         TEXT    NOT NULL DEFAULT '',
  owner          TEXT    NOT NULL DEFAULT '',
  lease_until    INTEGER NOT NULL DEFAULT 0,
  next_at        INTEGER NOT NULL,
  created_at     INTEGER NOT NULL
);
INSERT INTO notice VALUES(165,'sent','sent/161/3',X'0172fac13a9afdad9332c01f7281f2a5853ca3b3544c720653eba538657c65f0378c10150a8dad195d4a1dae449c6d2c52cc12394aa6eb4ee8e90d9731222a4dfd3abc61','en',X'01d142e49e501b743b452adbbda34fdba90d182688e4a7db4a1b44085404784fec0dd2243b3e97b89d6b5f2f6ff4edeeebfc6a8debcad9565ec7b62a0d2f6c2d24e43258da4c0d61e2cbd3ec69a7554be2bb6546a26a479bddbfc4afec9ef4bb8db60e0b3da9cee444b8ea7a4102ae1e85581be27e0815424b9d3663c35b8a339b926b9018eb7c9babfb','queued',0,0,'','',0,1795338000000000,1795338000000000);
INSERT INTO notice VALUES(175,'confirm','confirm/1',X'011da637306dd83e14147eb1c4e09e26ef871207d9fb2eb9ff9e66cb026f25063c71406e65ff45ed85917f5087a5a1f2d2b466291a681faaaee712fb','ko',X'0123021ba51819a39f1a05545f39b53c04914db9a15596c11f6e84e5f22b06d497285cb803d98a09b2977bccfc71acad97535f7a08466bcb827d637a9b94','queued',0,0,'','',0,1795341600000000,1795341600000000);
CREATE TABLE slot (
  id          INTEGER PRIMARY KEY,
  series      TEXT    NOT NULL,
  label       TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  state       TEXT    NOT NULL,
  owner       TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  finished_at INTEGER NOT NULL DEFAULT 0,
  UNIQUE (series, label)
);
CREATE TABLE series (
  key        TEXT    PRIMARY KEY,
  expression TEXT    NOT NULL,
  since      INTEGER NOT NULL
);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',2);
CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX audit_subject ON audit (subject, subject_id, at);
CREATE INDEX comment_queue ON comment (state, created_at);
CREATE INDEX comment_parent ON comment (parent_id);
CREATE INDEX comment_address ON comment (address_index, created_at);
CREATE INDEX comment_ip ON comment (ip_index, created_at);
CREATE INDEX subscriber_name ON subscriber (name_index);
CREATE INDEX subscription_audience ON subscription (newsletter_id, state, id);
CREATE INDEX subscription_welcome ON subscription (welcome_at) WHERE welcome_at > 0;
CREATE INDEX signup_queue ON signup (state, created_at);
CREATE INDEX signup_address ON signup (address_index, newsletter_id, state);
CREATE UNIQUE INDEX signup_pending ON signup (address_index, newsletter_id) WHERE state = 'pending';
CREATE INDEX consent_subscriber ON consent (subscriber_id, newsletter_id);
CREATE INDEX event_subscriber ON event (subscriber_id, at);
CREATE INDEX event_issue ON event (issue_id, kind);
CREATE INDEX link_state ON link (state, submitted_at);
CREATE INDEX prayer_state ON prayer (state, created_at);
CREATE INDEX issue_state ON issue (state, send_at);
CREATE UNIQUE INDEX issue_slot ON issue (newsletter_id, send_at) WHERE send_at > 0;
CREATE INDEX issue_item_item ON issue_item (kind, item_id);
CREATE UNIQUE INDEX delivery_subscriber ON delivery (issue_id, subscriber_id);
CREATE INDEX delivery_due ON delivery (next_at) WHERE next_at > 0;
CREATE INDEX notice_due ON notice (next_at) WHERE state = 'queued';
CREATE INDEX slot_state ON slot (state, at);
COMMIT;
