BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit_entries (
	sequence INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	run VARCHAR, 
	case_id VARCHAR, 
	customer VARCHAR, 
	kind VARCHAR NOT NULL, 
	amount_minor INTEGER, 
	currency VARCHAR, 
	body TEXT NOT NULL, 
	form INTEGER NOT NULL, 
	previous VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	CONSTRAINT pk_audit_entries PRIMARY KEY (sequence)
);
INSERT INTO "audit_entries" VALUES(1,1800000000,NULL,NULL,NULL,'ledger_bound',NULL,NULL,'{"binding":{"account":"acct_1","bound_at":1800000000,"id":1,"livemode":false}}',1,'0000000000000000000000000000000000000000000000000000000000000000','fe176392c5c1465d4b9b1bdc5d59a58402f747c8228cb74406d61434622808d3');
INSERT INTO "audit_entries" VALUES(2,1800000000,'run_1',NULL,NULL,'run_started',NULL,NULL,'{"run":{"account":"acct_1","command":"run","finished_at":null,"id":"run_1","livemode":false,"mode":"run","policy_digest":"6a309e8299fa2fe16c0a6308c690e498ef8c47068d58e495ce742ce07467989a","position":1,"started_at":1800000000,"status":"running","summary_sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","sweep":true}}',1,'fe176392c5c1465d4b9b1bdc5d59a58402f747c8228cb74406d61434622808d3','7ad8826befaaf7daf0e06e8997c498af69ee3ad79bfe222d39e095e3adf22b1d');
INSERT INTO "audit_entries" VALUES(3,1800000000,'run_1','case_1','cus_1','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_1","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_1","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"3301b5fffbc54f5df3fac2e6e8e9fe14c012b9a91221920ee02e2c411a07b830","reason":null,"run":"run_1","state":"reserving"}}',1,'7ad8826befaaf7daf0e06e8997c498af69ee3ad79bfe222d39e095e3adf22b1d','49124c056dc5d1708ca2597ed9050c63fd291793d58de0d7cf2cf6baa916569e');
INSERT INTO "audit_entries" VALUES(4,1800000000,'run_1','case_1','cus_1','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_1:reserve:1","params_sha256":"994c6c240396fced58304e1050b53e4270f93b1a8286c6a34b408369f484c032","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'49124c056dc5d1708ca2597ed9050c63fd291793d58de0d7cf2cf6baa916569e','828f3b97bcc98ef886bd65485ffd73a0f5373ab94973a55221a6adc2faae1193');
INSERT INTO "audit_entries" VALUES(5,1800000001,'run_1','case_1','cus_1','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"reserve"}}',1,'828f3b97bcc98ef886bd65485ffd73a0f5373ab94973a55221a6adc2faae1193','d3b21ad3c585297f87d6eb144272878fbd6967e26baf1c67db6a158dae4ba613');
INSERT INTO "audit_entries" VALUES(6,1800000001,'run_1','case_1','cus_1','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"reserve"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"reserve","stripe_id":"cbtxn_1"}}',1,'d3b21ad3c585297f87d6eb144272878fbd6967e26baf1c67db6a158dae4ba613','ba4dd4c29bd2d44d23892cfc2bdf37aa50e978ea0600393d37ec0f9d839d57d2');
INSERT INTO "audit_entries" VALUES(7,1800000002,'run_1','case_1','cus_1','cover_recorded',1000,'usd','{"case":{"covered_minor":1000}}',1,'ba4dd4c29bd2d44d23892cfc2bdf37aa50e978ea0600393d37ec0f9d839d57d2','16c5294cf97e2fa6914e98edd183d9d0febf22ec8ad832309263279aa5cfb69e');
INSERT INTO "audit_entries" VALUES(8,1800000002,'run_1','case_1','cus_1','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"refunding"}}',1,'16c5294cf97e2fa6914e98edd183d9d0febf22ec8ad832309263279aa5cfb69e','57ad0b9def2118d0bf165548f64f51ce4eb16a56c699621cb6f8b9acb3fc4e9e');
INSERT INTO "audit_entries" VALUES(9,1800000000,'run_1','case_1','cus_1','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_1:refund:1:1","params_sha256":"994c6c240396fced58304e1050b53e4270f93b1a8286c6a34b408369f484c032","position":2,"state":"intended","step":"refund:1","target":"ch_1"}}',1,'57ad0b9def2118d0bf165548f64f51ce4eb16a56c699621cb6f8b9acb3fc4e9e','41193004152e1dfe9bbfb02ffc689296d9a3444e5a14c6aba43ce1ec8a825aef');
INSERT INTO "audit_entries" VALUES(10,1800000001,'run_1','case_1','cus_1','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"refund:1"}}',1,'41193004152e1dfe9bbfb02ffc689296d9a3444e5a14c6aba43ce1ec8a825aef','fd72c87326dcd641a063c38f35651114ce55fd5e401ee0a134bf8a752f898709');
INSERT INTO "audit_entries" VALUES(11,1800000001,'run_1','case_1','cus_1','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"refund:1"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":null,"request_id":"req_1","state":"accepted","status":"succeeded","step":"refund:1","stripe_id":"re_1"}}',1,'fd72c87326dcd641a063c38f35651114ce55fd5e401ee0a134bf8a752f898709','8f3de009b9da02338a8670027eb948216dae22afe530abc94cfb352dc79376d5');
INSERT INTO "audit_entries" VALUES(12,1800000003,'run_1','case_1','cus_1','case_closed',NULL,'usd','{"case":{"closed_at":1800000003,"outcome":"refunded","reason":null,"state":"closed"}}',1,'8f3de009b9da02338a8670027eb948216dae22afe530abc94cfb352dc79376d5','b9616c732d49bcdcb8eb832721302cd9cd87e43271f7e8d8fece33822182c2d2');
INSERT INTO "audit_entries" VALUES(13,1800000000,'run_1','case_2','cus_2','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_2","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_2","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"2c5ed822c57d2af39301085c5fc9490503e0e3c1975475f8615aeb4dfc980212","reason":null,"run":"run_1","state":"reserving"}}',1,'b9616c732d49bcdcb8eb832721302cd9cd87e43271f7e8d8fece33822182c2d2','b1055ed55ef848722bde738d56e42584003d57e41322e9b24403a5063b37d122');
INSERT INTO "audit_entries" VALUES(14,1800000000,'run_1','case_2','cus_2','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_2:reserve:1","params_sha256":"c3e34124bea09f66d48686725b019d08c7a48b27df08c585d85602df0203d3c4","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'b1055ed55ef848722bde738d56e42584003d57e41322e9b24403a5063b37d122','18c9c13f6222c137003e698b2d578ac12780b4ccd5007a61733b586b4feae76a');
INSERT INTO "audit_entries" VALUES(15,1800000001,'run_1','case_2','cus_2','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"reserve"}}',1,'18c9c13f6222c137003e698b2d578ac12780b4ccd5007a61733b586b4feae76a','57012a04116db9155de892af42176a691e01cfb91aec9a6af088fa1ff556e784');
INSERT INTO "audit_entries" VALUES(16,1800000001,'run_1','case_2','cus_2','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"reserve"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"reserve","stripe_id":"cbtxn_2"}}',1,'57012a04116db9155de892af42176a691e01cfb91aec9a6af088fa1ff556e784','719875b32afa663fb57290efb5146f5ae2c3329117becd95d1d69b8586c3c24c');
INSERT INTO "audit_entries" VALUES(17,1800000002,'run_1','case_2','cus_2','cover_recorded',1000,'usd','{"case":{"covered_minor":1000}}',1,'719875b32afa663fb57290efb5146f5ae2c3329117becd95d1d69b8586c3c24c','b08a1acf986b111ce91780b7dab75318b7805de9cb20f99443d03cc582007b07');
INSERT INTO "audit_entries" VALUES(18,1800000002,'run_1','case_2','cus_2','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"refunding"}}',1,'b08a1acf986b111ce91780b7dab75318b7805de9cb20f99443d03cc582007b07','523b12f172e26b3c6a52e708eaabf40d08dbeeae4d6caa16e058f2ffd613bdff');
INSERT INTO "audit_entries" VALUES(19,1800000000,'run_1','case_2','cus_2','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_2:refund:1:1","params_sha256":"c3e34124bea09f66d48686725b019d08c7a48b27df08c585d85602df0203d3c4","position":2,"state":"intended","step":"refund:1","target":"ch_1"}}',1,'523b12f172e26b3c6a52e708eaabf40d08dbeeae4d6caa16e058f2ffd613bdff','a0c87bdd744a0c3eba5c7ec77515f493defd39b1b01b7c7622f3dd0544a4ed47');
INSERT INTO "audit_entries" VALUES(20,1800000020,'run_1','case_2','cus_2','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000020,"step":"refund:1"}}',1,'a0c87bdd744a0c3eba5c7ec77515f493defd39b1b01b7c7622f3dd0544a4ed47','5a5c9c3f772002fb292af114afe6385439893895a8034d632c7d9f55f3467c1e');
INSERT INTO "audit_entries" VALUES(21,1800000020,'run_1','case_2','cus_2','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000020,"attempt":1,"position":1,"step":"refund:1"},"step":{"answered_at":1800000020,"attempt":1,"code":null,"ending_balance_minor":null,"request_id":"req_1","state":"accepted","status":"pending","step":"refund:1","stripe_id":"re_2"}}',1,'5a5c9c3f772002fb292af114afe6385439893895a8034d632c7d9f55f3467c1e','72cb0aa0b0b37665bd8da8705580e46efd9c10a1cf232a18cb1bfc25ed5e29e2');
INSERT INTO "audit_entries" VALUES(22,1800000060,'run_1','case_2','cus_2','case_closed',NULL,'usd','{"case":{"closed_at":1800000060,"outcome":"refunded","reason":null,"state":"closed"}}',1,'72cb0aa0b0b37665bd8da8705580e46efd9c10a1cf232a18cb1bfc25ed5e29e2','717505b2ff3237df8135dce24e1d806f4580be02cffe586f6b89cefa4dd5d138');
INSERT INTO "audit_entries" VALUES(23,1800000000,'run_1','case_3','cus_3','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_3","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_3","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"810347067f13ebd09b76d081110b16bff393c354df5618f00340db055acfd89c","reason":null,"run":"run_1","state":"reserving"}}',1,'717505b2ff3237df8135dce24e1d806f4580be02cffe586f6b89cefa4dd5d138','3a28cf334caff69b64a08f3ad0edd523dc3d5b2f9a38c8a315f6e923e1b07b66');
INSERT INTO "audit_entries" VALUES(24,1800000000,'run_1','case_3','cus_3','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_3:reserve:1","params_sha256":"7c9671ddc749f97cc09d0ba0d7338192371e71ac304b6f87f2f8ca848dcee101","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'3a28cf334caff69b64a08f3ad0edd523dc3d5b2f9a38c8a315f6e923e1b07b66','45fca80d0f47dde2a656303ac098006bc2c6d1c6c83a7b982d541d90bc93aadc');
INSERT INTO "audit_entries" VALUES(25,1800000001,'run_1','case_3','cus_3','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"reserve"}}',1,'45fca80d0f47dde2a656303ac098006bc2c6d1c6c83a7b982d541d90bc93aadc','ec494994a168d1809404d38a9d6db2ef367609dffa72853d8f3584082de9dc7f');
INSERT INTO "audit_entries" VALUES(26,1800000001,'run_1','case_3','cus_3','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"reserve"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"reserve","stripe_id":"cbtxn_3"}}',1,'ec494994a168d1809404d38a9d6db2ef367609dffa72853d8f3584082de9dc7f','4bf5aac85ecc1f51bb9abd4482d1b4ef75f9b52e34eca1641102ba72b305a1ed');
INSERT INTO "audit_entries" VALUES(27,1800000002,'run_1','case_3','cus_3','cover_recorded',1000,'usd','{"case":{"covered_minor":1000}}',1,'4bf5aac85ecc1f51bb9abd4482d1b4ef75f9b52e34eca1641102ba72b305a1ed','25a2e26f06e7a43f6d7697c9745ce38b9a0eb0c92b05bb51baf5e5b38ccf74f3');
INSERT INTO "audit_entries" VALUES(28,1800000002,'run_1','case_3','cus_3','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"refunding"}}',1,'25a2e26f06e7a43f6d7697c9745ce38b9a0eb0c92b05bb51baf5e5b38ccf74f3','ae1ed49b56e5a29e8a4068290d639c6e4dfb24594d3d50a263b173b503dc44c2');
INSERT INTO "audit_entries" VALUES(29,1800000000,'run_1','case_3','cus_3','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_3:refund:1:1","params_sha256":"7c9671ddc749f97cc09d0ba0d7338192371e71ac304b6f87f2f8ca848dcee101","position":2,"state":"intended","step":"refund:1","target":"ch_1"}}',1,'ae1ed49b56e5a29e8a4068290d639c6e4dfb24594d3d50a263b173b503dc44c2','f79c1b22cb2fec95cbdc87123ba15b007c121fd681351b807ae84d6cfed08cc0');
INSERT INTO "audit_entries" VALUES(30,1800000030,'run_1','case_3','cus_3','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000030,"step":"refund:1"}}',1,'f79c1b22cb2fec95cbdc87123ba15b007c121fd681351b807ae84d6cfed08cc0','e624e671951151937e8618d102b34c4d1654f98ec9fed5299e894e989890d605');
INSERT INTO "audit_entries" VALUES(31,1800000030,'run_1','case_3','cus_3','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000030,"attempt":1,"position":1,"step":"refund:1"},"step":{"answered_at":1800000030,"attempt":1,"code":null,"ending_balance_minor":null,"request_id":"req_1","state":"accepted","status":"requires_action","step":"refund:1","stripe_id":"re_3"}}',1,'e624e671951151937e8618d102b34c4d1654f98ec9fed5299e894e989890d605','f6628af21cfbbfcb66cb250661f567ea4171693b3eea04b45b6e5e69877d278a');
INSERT INTO "audit_entries" VALUES(32,1800000060,'run_1','case_3','cus_3','case_closed',NULL,'usd','{"case":{"closed_at":1800000060,"outcome":"refunded","reason":null,"state":"closed"}}',1,'f6628af21cfbbfcb66cb250661f567ea4171693b3eea04b45b6e5e69877d278a','941ab3ff2e40ab8414e5837b5fffedbbc4cde714768e76629be970ed64e562ff');
INSERT INTO "audit_entries" VALUES(33,1800000000,'run_1','case_4','cus_4','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_4","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_4","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"bbf678142636ec2ee197b624bd23dc37c8c54e7dd44b00601fda9a099e4066f1","reason":null,"run":"run_1","state":"reserving"}}',1,'941ab3ff2e40ab8414e5837b5fffedbbc4cde714768e76629be970ed64e562ff','2599e82d3e29b5085425e5f73131b5405ee47ca8d1dabbca05415f20825a2739');
INSERT INTO "audit_entries" VALUES(34,1800000000,'run_1','case_4','cus_4','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_4:reserve:1","params_sha256":"68950d745977b90b8f1d88f8aeda2d80ce77b3cfea8bed941bc0e3cef9067dc0","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'2599e82d3e29b5085425e5f73131b5405ee47ca8d1dabbca05415f20825a2739','2990ffa119771a02cb296bd96409ffa606fcf67ade4ebaac7527e02017719760');
INSERT INTO "audit_entries" VALUES(35,1800000001,'run_1','case_4','cus_4','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"reserve"}}',1,'2990ffa119771a02cb296bd96409ffa606fcf67ade4ebaac7527e02017719760','d91b1f41f40e136af37919577625c6d441eb0f97d540785ac831752f54047739');
INSERT INTO "audit_entries" VALUES(36,1800000001,'run_1','case_4','cus_4','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"reserve"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"reserve","stripe_id":"cbtxn_4"}}',1,'d91b1f41f40e136af37919577625c6d441eb0f97d540785ac831752f54047739','4be08cb23ac66a4a209a39c09682d5254d2196ba3800e5623b1dcb1356158e6e');
INSERT INTO "audit_entries" VALUES(37,1800000002,'run_1','case_4','cus_4','cover_recorded',1000,'usd','{"case":{"covered_minor":1000}}',1,'4be08cb23ac66a4a209a39c09682d5254d2196ba3800e5623b1dcb1356158e6e','3e090a1c332139a93fb8a46241bee159d537e45a1ecc5ee069d0f31dd2fe26ea');
INSERT INTO "audit_entries" VALUES(38,1800000002,'run_1','case_4','cus_4','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"refunding"}}',1,'3e090a1c332139a93fb8a46241bee159d537e45a1ecc5ee069d0f31dd2fe26ea','a5f37b205e0d36360421788a6b035ea0424baa816c61736ed3635101fe85e9c3');
INSERT INTO "audit_entries" VALUES(39,1800000000,'run_1','case_4','cus_4','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_4:refund:1:1","params_sha256":"68950d745977b90b8f1d88f8aeda2d80ce77b3cfea8bed941bc0e3cef9067dc0","position":2,"state":"intended","step":"refund:1","target":"ch_1"}}',1,'a5f37b205e0d36360421788a6b035ea0424baa816c61736ed3635101fe85e9c3','e88a258f662d26fb8166c3a53a64ca18c0bf8b2ca6b8e9bcfd9a663862000eca');
INSERT INTO "audit_entries" VALUES(40,1800000040,'run_1','case_4','cus_4','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000040,"step":"refund:1"}}',1,'e88a258f662d26fb8166c3a53a64ca18c0bf8b2ca6b8e9bcfd9a663862000eca','bb02b1af441ce08e844969affc0ef250a44827b2bdbed019968c96c849b5715a');
INSERT INTO "audit_entries" VALUES(41,1800000040,'run_1','case_4','cus_4','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000040,"attempt":1,"position":1,"step":"refund:1"},"step":{"answered_at":1800000040,"attempt":1,"code":null,"ending_balance_minor":null,"request_id":"req_1","state":"accepted","status":"failed","step":"refund:1","stripe_id":"re_4"}}',1,'bb02b1af441ce08e844969affc0ef250a44827b2bdbed019968c96c849b5715a','d7e50f626bb9d6688e8358c358896de90e93024ea0933d299552ec0b0a6623a1');
INSERT INTO "audit_entries" VALUES(42,1800000002,'run_1','case_4','cus_4','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"closing"}}',1,'d7e50f626bb9d6688e8358c358896de90e93024ea0933d299552ec0b0a6623a1','4879e7fbc236d9f52462eb885313361b5ffb2812cbe4b612babce1f86801b49e');
INSERT INTO "audit_entries" VALUES(43,1800000000,'run_1','case_4','cus_4','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_4:recredit:1:1","params_sha256":"68950d745977b90b8f1d88f8aeda2d80ce77b3cfea8bed941bc0e3cef9067dc0","position":3,"state":"intended","step":"recredit:1","target":"cus_1"}}',1,'4879e7fbc236d9f52462eb885313361b5ffb2812cbe4b612babce1f86801b49e','b73b26eb880ae5c2235d20827766bcdc437f29d42c0f809620287c1b88baa03f');
INSERT INTO "audit_entries" VALUES(44,1800000050,'run_1','case_4','cus_4','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000050,"step":"recredit:1"}}',1,'b73b26eb880ae5c2235d20827766bcdc437f29d42c0f809620287c1b88baa03f','2b014d0bb48452cfa1a41deeee4a4d81b8ead8bbc88768ae780113867caf275e');
INSERT INTO "audit_entries" VALUES(45,1800000050,'run_1','case_4','cus_4','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000050,"attempt":1,"position":1,"step":"recredit:1"},"step":{"answered_at":1800000050,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"recredit:1","stripe_id":"cbtxn_r"}}',1,'2b014d0bb48452cfa1a41deeee4a4d81b8ead8bbc88768ae780113867caf275e','32b65ee550d62ed6b77da5033aa1d8a5c20160fd77460c2bef1a8ab165d05ad5');
INSERT INTO "audit_entries" VALUES(46,1800000060,'run_1','case_4','cus_4','case_closed',NULL,'usd','{"case":{"closed_at":1800000060,"outcome":"refunded","reason":null,"state":"closed"}}',1,'32b65ee550d62ed6b77da5033aa1d8a5c20160fd77460c2bef1a8ab165d05ad5','f7276066a3ef9cfa825b85c9653b81961fa9390ffffc7ac1a3693b635f14eb76');
INSERT INTO "audit_entries" VALUES(47,1800000000,'run_1','case_5','cus_5','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_5","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_5","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"d6fb3545d14ab5851e1db9a4b8a54e0251dcad08ba5eb7a24c42293d7899aa81","reason":null,"run":"run_1","state":"reserving"}}',1,'f7276066a3ef9cfa825b85c9653b81961fa9390ffffc7ac1a3693b635f14eb76','776d2ddb33c29cb8af07c976bdad91ff9440c1d264671ecd9999393058c9890f');
INSERT INTO "audit_entries" VALUES(48,1800000000,'run_1','case_5','cus_5','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_5:reserve:1","params_sha256":"c09cb47399436ce572b77df2dd1211d14500ae32c8b75d4ac8ccca704db4adb7","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'776d2ddb33c29cb8af07c976bdad91ff9440c1d264671ecd9999393058c9890f','6960d3b91e5ab43f4833a9fccd23140855fcb837c3727027e0594c9f7e0c3e34');
INSERT INTO "audit_entries" VALUES(49,1800000000,'run_1','case_5','cus_5','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000000,"step":"reserve"}}',1,'6960d3b91e5ab43f4833a9fccd23140855fcb837c3727027e0594c9f7e0c3e34','7046a3d4b3202bd836f484f0f0bf3a65303b3903ae7d5eb8166319ef898781bd');
INSERT INTO "audit_entries" VALUES(50,1800000000,'run_1','case_6','cus_6','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_6","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_6","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"6a01299ddfae4bb6d5cf64a4d7373f20e2b81c7ab5fe1dd7991c5202193ea4aa","reason":null,"run":"run_1","state":"reserving"}}',1,'7046a3d4b3202bd836f484f0f0bf3a65303b3903ae7d5eb8166319ef898781bd','a66e6ebd23bd04d01ad09d9503c6d2902262a25f0fc5b21c6b8a8f5e58ad743d');
INSERT INTO "audit_entries" VALUES(51,1800000000,'run_1','case_6','cus_6','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_6:reserve:1","params_sha256":"97b539cbadb909e4c10226ce001c0e45843926e23dfdb03278a6c10c69c71ea3","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'a66e6ebd23bd04d01ad09d9503c6d2902262a25f0fc5b21c6b8a8f5e58ad743d','fa241f5549641271bb5395c5792541ae108cf3999b9bcb2c06506d4e926f40ce');
INSERT INTO "audit_entries" VALUES(52,1800000001,'run_1','case_6','cus_6','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"reserve"}}',1,'fa241f5549641271bb5395c5792541ae108cf3999b9bcb2c06506d4e926f40ce','253ed33cd1f2bd82eee93e5778779876cd6627646dcd05f6e4201a1264d34c09');
INSERT INTO "audit_entries" VALUES(53,1800000001,'run_1','case_6','cus_6','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"reserve"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"reserve","stripe_id":"cbtxn_6"}}',1,'253ed33cd1f2bd82eee93e5778779876cd6627646dcd05f6e4201a1264d34c09','7f2e387518d171e83fc43722f9b8e182acaae0623abdf3701a5728d5eda8e2ef');
INSERT INTO "audit_entries" VALUES(54,1800000002,'run_1','case_6','cus_6','cover_recorded',1000,'usd','{"case":{"covered_minor":1000}}',1,'7f2e387518d171e83fc43722f9b8e182acaae0623abdf3701a5728d5eda8e2ef','2741bf6c23c624827a5367e999f81ec07ebb2075228a902a9feb3980b43f3095');
INSERT INTO "audit_entries" VALUES(55,1800000002,'run_1','case_6','cus_6','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"refunding"}}',1,'2741bf6c23c624827a5367e999f81ec07ebb2075228a902a9feb3980b43f3095','3355a5dd0292b7fb0dfed4a0b97b803f2162fac3d1cf171a39737a02fa651f97');
INSERT INTO "audit_entries" VALUES(56,1800000000,'run_1','case_6','cus_6','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_6:refund:1:1","params_sha256":"97b539cbadb909e4c10226ce001c0e45843926e23dfdb03278a6c10c69c71ea3","position":2,"state":"intended","step":"refund:1","target":"ch_1"}}',1,'3355a5dd0292b7fb0dfed4a0b97b803f2162fac3d1cf171a39737a02fa651f97','2e271c1ff5aa6d470d75eae7b69123271224e169a2153b8dbf09dd87453bfe7d');
INSERT INTO "audit_entries" VALUES(57,1800000000,'run_1','case_6','cus_6','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000000,"step":"refund:1"}}',1,'2e271c1ff5aa6d470d75eae7b69123271224e169a2153b8dbf09dd87453bfe7d','d038a7840a5fea04fbf2bbb6925c22e96083081317114c61124ac448d5e218c6');
INSERT INTO "audit_entries" VALUES(58,1800000000,'run_1','case_7','cus_7','case_opened',1000,'usd','{"case":{"account":"acct_1","closed_at":null,"covered_minor":null,"currency":"usd","customer":"cus_7","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","fence":1,"id":"case_7","livemode":false,"opened_at":1800000000,"outcome":null,"plan_sha256":"6ee60eab99f5183341fe492282195248ef14859473a1725b06219eae461f4626","reason":null,"run":"run_1","state":"reserving"}}',1,'d038a7840a5fea04fbf2bbb6925c22e96083081317114c61124ac448d5e218c6','5aa4bc294e75c3cab25617dd868925b96ed54449845b6001c95effec5f4eda5c');
INSERT INTO "audit_entries" VALUES(59,1800000000,'run_1','case_7','cus_7','step_intended',1000,'usd','{"step":{"amount_minor":1000,"attempt":1,"before_minor":-1000,"intended_at":1800000000,"key":"refund_worker:case_7:reserve:1","params_sha256":"84371abcd44127c24993a8d6c4a121ecdfd447185d765bfe687af009bd091db5","position":1,"state":"intended","step":"reserve","target":"cus_1"}}',1,'5aa4bc294e75c3cab25617dd868925b96ed54449845b6001c95effec5f4eda5c','d2da35f86e1c61d9825d7c35e68c271a5622de62b96b00a92ff1418e33a88d97');
INSERT INTO "audit_entries" VALUES(60,1800000001,'run_1','case_7','cus_7','step_sent',1000,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000001,"step":"reserve"}}',1,'d2da35f86e1c61d9825d7c35e68c271a5622de62b96b00a92ff1418e33a88d97','ac2ea25a3ae7686e506054fabe4b807db89735d7c0345794efcda7e9842565bf');
INSERT INTO "audit_entries" VALUES(61,1800000001,'run_1','case_7','cus_7','step_accepted',1000,'usd','{"send":{"answer":"accepted","answered_at":1800000001,"attempt":1,"position":1,"step":"reserve"},"step":{"answered_at":1800000001,"attempt":1,"code":null,"ending_balance_minor":0,"request_id":"req_1","state":"accepted","status":null,"step":"reserve","stripe_id":"cbtxn_7"}}',1,'ac2ea25a3ae7686e506054fabe4b807db89735d7c0345794efcda7e9842565bf','b71bffb8ddeb2e292bc64214de210c7f3258a21c00bbf9408e365b38f7135301');
INSERT INTO "audit_entries" VALUES(62,1800000002,'run_1','case_7','cus_7','cover_recorded',1000,'usd','{"case":{"covered_minor":1000}}',1,'b71bffb8ddeb2e292bc64214de210c7f3258a21c00bbf9408e365b38f7135301','96320716d0e0a306d802f1257641715a2e770389d6a28f281156dcd95598993f');
INSERT INTO "audit_entries" VALUES(63,1800000002,'run_1','case_7','cus_7','case_moved',NULL,'usd','{"case":{"outcome":null,"reason":null,"state":"refunding"}}',1,'96320716d0e0a306d802f1257641715a2e770389d6a28f281156dcd95598993f','79e1ce183fbff432f41d730bd674822f274afa1f56445a67c2b76ae4cc27b34b');
INSERT INTO "audit_entries" VALUES(64,1800000000,'run_1','case_7','cus_7','step_intended',400,'usd','{"step":{"amount_minor":400,"attempt":1,"before_minor":-400,"intended_at":1800000000,"key":"refund_worker:case_7:refund:1:1","params_sha256":"d579cf16fad895fc09c2ee219e5f0ff3bf0bacd028f3ff67a04dd286569a55c9","position":2,"state":"intended","step":"refund:1","target":"ch_1"}}',1,'79e1ce183fbff432f41d730bd674822f274afa1f56445a67c2b76ae4cc27b34b','f81716a1c2909b95f717a40e09d27fd5e4e2c10d7c5752028100849b4d518a12');
INSERT INTO "audit_entries" VALUES(65,1800000070,'run_1','case_7','cus_7','step_sent',400,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000070,"step":"refund:1"}}',1,'f81716a1c2909b95f717a40e09d27fd5e4e2c10d7c5752028100849b4d518a12','9232fd66d1d8c51e0bc3f17756039c832938410da76d3c39fe4d3dceb8cd3abd');
INSERT INTO "audit_entries" VALUES(66,1800000070,'run_1','case_7','cus_7','step_accepted',400,'usd','{"send":{"answer":"accepted","answered_at":1800000070,"attempt":1,"position":1,"step":"refund:1"},"step":{"answered_at":1800000070,"attempt":1,"code":null,"ending_balance_minor":null,"request_id":"req_1","state":"accepted","status":"pending","step":"refund:1","stripe_id":"re_7"}}',1,'9232fd66d1d8c51e0bc3f17756039c832938410da76d3c39fe4d3dceb8cd3abd','2aea874cd0464681a9d9458d337e0281410d7afc2cc7aaaa6413a0cff336581c');
INSERT INTO "audit_entries" VALUES(67,1800000000,'run_1','case_7','cus_7','step_intended',600,'usd','{"step":{"amount_minor":600,"attempt":1,"before_minor":-600,"intended_at":1800000000,"key":"refund_worker:case_7:refund:2:1","params_sha256":"aa036bff35e132860ff029de5804d990c5025d7b51f0059db063f99275e87f69","position":3,"state":"intended","step":"refund:2","target":"ch_1"}}',1,'2aea874cd0464681a9d9458d337e0281410d7afc2cc7aaaa6413a0cff336581c','41ea0759d01f42a5567113f38e844c37df5bfd7ad253bad3a7e94406a8c0c641');
INSERT INTO "audit_entries" VALUES(68,1800000071,'run_1','case_7','cus_7','step_sent',600,'usd','{"send":{"attempt":1,"fence":1,"position":1,"sent_at":1800000071,"step":"refund:2"}}',1,'41ea0759d01f42a5567113f38e844c37df5bfd7ad253bad3a7e94406a8c0c641','8647a6154713830316ea90715be9f451a09b3cc48a28bfce071a7aac855a17b4');
INSERT INTO "audit_entries" VALUES(69,1800000000,'run_1','case_h1','cus_8','held',1000,'usd','{"standing":{"account":"acct_1","currency":"usd","customer":"cus_8","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","ended_at":null,"id":"case_h1","livemode":false,"outcome":"held","plan_sha256":"0de71d99192624a0abea245308b45dca4be882eabe98d102d7899f95b1b1e72e","reason":"above_limit","run":"run_1","since":1800000000}}',1,'8647a6154713830316ea90715be9f451a09b3cc48a28bfce071a7aac855a17b4','302966a525cab64ed712f11194a2d411cd72157adc051343a79af961f760d186');
INSERT INTO "audit_entries" VALUES(70,1800000000,'run_1','case_p','cus_9','case_planned',1000,'usd','{"plan":{"currency":"usd","customer":"cus_9","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","plan_sha256":"1c9b8762264e65f3af7d34b80ea2ff5eb063a9ad09a273bca36672efca6a541b","run":"run_1"}}',1,'302966a525cab64ed712f11194a2d411cd72157adc051343a79af961f760d186','9f4ea7a9d3b4b784e960628ea0cbab1c4d6951d4ebfb7c1917698d0e64cdf393');
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	sequence INTEGER NOT NULL, 
	hash VARCHAR NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id), 
	CONSTRAINT ck_audit_head_one_row CHECK (id = 1)
);
INSERT INTO "audit_head" VALUES(1,70,'9f4ea7a9d3b4b784e960628ea0cbab1c4d6951d4ebfb7c1917698d0e64cdf393');
CREATE TABLE bindings (
	id INTEGER NOT NULL, 
	account VARCHAR NOT NULL, 
	livemode BOOLEAN NOT NULL, 
	bound_at INTEGER NOT NULL, 
	CONSTRAINT pk_bindings PRIMARY KEY (id), 
	CONSTRAINT ck_bindings_one_row CHECK (id = 1)
);
INSERT INTO "bindings" VALUES(1,'acct_1',0,1800000000);
CREATE TABLE cases (
	id VARCHAR NOT NULL, 
	run VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	livemode BOOLEAN NOT NULL, 
	customer VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	"plan" TEXT NOT NULL, 
	state VARCHAR NOT NULL, 
	outcome VARCHAR, 
	reason VARCHAR, 
	opened_at INTEGER NOT NULL, 
	closed_at INTEGER, 
	covered_minor INTEGER, 
	fence INTEGER NOT NULL, 
	claimed_by VARCHAR, 
	claimed_at INTEGER, 
	lease_until INTEGER, 
	claim_run VARCHAR NOT NULL, 
	last_error TEXT, 
	CONSTRAINT pk_cases PRIMARY KEY (id), 
	CONSTRAINT ck_cases_outcome CHECK (outcome IN ('failed', 'held', 'owed', 'partly_refunded', 'planned', 'refunded', 'skipped', 'unknown')), 
	CONSTRAINT ck_cases_state CHECK (state IN ('closed', 'closing', 'owed', 'refunding', 'reserving')), 
	CONSTRAINT ck_cases_claim_whole CHECK ((claimed_by IS NULL) = (lease_until IS NULL)), 
	CONSTRAINT ck_cases_covered_minor CHECK (covered_minor >= 0), 
	CONSTRAINT ck_cases_fence CHECK (fence >= 1)
);
INSERT INTO "cases" VALUES('case_1','run_1','acct_1',0,'cus_1','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_1","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','closed','refunded',NULL,1800000000,1800000003,1000,1,NULL,NULL,NULL,'run_1',NULL);
INSERT INTO "cases" VALUES('case_2','run_1','acct_1',0,'cus_2','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_2","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','closed','refunded',NULL,1800000000,1800000060,1000,1,NULL,NULL,NULL,'run_1',NULL);
INSERT INTO "cases" VALUES('case_3','run_1','acct_1',0,'cus_3','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_3","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','closed','refunded',NULL,1800000000,1800000060,1000,1,NULL,NULL,NULL,'run_1',NULL);
INSERT INTO "cases" VALUES('case_4','run_1','acct_1',0,'cus_4','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_4","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','closed','refunded',NULL,1800000000,1800000060,1000,1,NULL,NULL,NULL,'run_1',NULL);
INSERT INTO "cases" VALUES('case_5','run_1','acct_1',0,'cus_5','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_5","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','reserving',NULL,NULL,1800000000,NULL,NULL,1,'lost:1',1800000000,1800000300,'run_1',NULL);
INSERT INTO "cases" VALUES('case_6','run_1','acct_1',0,'cus_6','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_6","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','refunding',NULL,NULL,1800000000,NULL,1000,1,'lost:2',1800000000,1800000300,'run_1',NULL);
INSERT INTO "cases" VALUES('case_7','run_1','acct_1',0,'cus_7','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_7","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}','refunding',NULL,NULL,1800000000,NULL,1000,1,NULL,NULL,NULL,'run_1',NULL);
CREATE TABLE plans (
	case_id VARCHAR NOT NULL, 
	run VARCHAR NOT NULL, 
	customer VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	"plan" TEXT NOT NULL, 
	CONSTRAINT pk_plans PRIMARY KEY (case_id), 
	CONSTRAINT fk_plans_run FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "plans" VALUES('case_p','run_1','cus_9','usd','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_9","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}');
CREATE TABLE policies (
	digest VARCHAR NOT NULL, 
	policy TEXT NOT NULL, 
	CONSTRAINT pk_policies PRIMARY KEY (digest)
);
INSERT INTO "policies" VALUES('6a309e8299fa2fe16c0a6308c690e498ef8c47068d58e495ce742ce07467989a','{"case_limit_minor":{},"credit_since":null,"excluded_customers":[],"excluded_metadata":{},"failures_max":10,"minimum_minor":{},"origins":["proration"],"quiet_hours":24,"refund_after":["cancellation","downgrade"],"run_cases_max":10000,"run_limit_minor":{},"stripe_tax":"hold"}');
CREATE TABLE runs (
	id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	account VARCHAR NOT NULL, 
	livemode BOOLEAN NOT NULL, 
	command VARCHAR NOT NULL, 
	mode VARCHAR NOT NULL, 
	sweep BOOLEAN NOT NULL, 
	policy_digest VARCHAR NOT NULL, 
	started_at INTEGER NOT NULL, 
	finished_at INTEGER, 
	status VARCHAR NOT NULL, 
	summary TEXT NOT NULL, 
	CONSTRAINT pk_runs PRIMARY KEY (id), 
	CONSTRAINT ck_runs_mode CHECK (mode IN ('plan', 'run')), 
	CONSTRAINT ck_runs_status CHECK (status IN ('finished', 'interrupted', 'running', 'stopped')), 
	CONSTRAINT fk_runs_policy_digest FOREIGN KEY(policy_digest) REFERENCES policies (digest), 
	CONSTRAINT uq_runs_position UNIQUE (position)
);
INSERT INTO "runs" VALUES('run_1',1,'acct_1',0,'run','run',1,'6a309e8299fa2fe16c0a6308c690e498ef8c47068d58e495ce742ce07467989a',1800000000,NULL,'running','{}');
CREATE TABLE sends (
	case_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	fence INTEGER NOT NULL, 
	sent_at INTEGER NOT NULL, 
	answered_at INTEGER, 
	answer VARCHAR, 
	CONSTRAINT pk_sends PRIMARY KEY (case_id, step, attempt, position), 
	CONSTRAINT ck_sends_answer CHECK (answer IN ('accepted', 'nothing_happened', 'refused', 'stored_500', 'unknown')), 
	CONSTRAINT ck_sends_answer_whole CHECK ((answer IS NULL) = (answered_at IS NULL)), 
	CONSTRAINT fk_sends_step FOREIGN KEY(case_id, step, attempt) REFERENCES steps (case_id, step, attempt)
);
INSERT INTO "sends" VALUES('case_1','reserve',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_1','refund:1',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_2','reserve',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_2','refund:1',1,1,1,1800000020,1800000020,'accepted');
INSERT INTO "sends" VALUES('case_3','reserve',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_3','refund:1',1,1,1,1800000030,1800000030,'accepted');
INSERT INTO "sends" VALUES('case_4','reserve',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_4','refund:1',1,1,1,1800000040,1800000040,'accepted');
INSERT INTO "sends" VALUES('case_4','recredit:1',1,1,1,1800000050,1800000050,'accepted');
INSERT INTO "sends" VALUES('case_5','reserve',1,1,1,1800000000,NULL,NULL);
INSERT INTO "sends" VALUES('case_6','reserve',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_6','refund:1',1,1,1,1800000000,NULL,NULL);
INSERT INTO "sends" VALUES('case_7','reserve',1,1,1,1800000001,1800000001,'accepted');
INSERT INTO "sends" VALUES('case_7','refund:1',1,1,1,1800000070,1800000070,'accepted');
INSERT INTO "sends" VALUES('case_7','refund:2',1,1,1,1800000071,NULL,NULL);
CREATE TABLE standings (
	id VARCHAR NOT NULL, 
	run VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	livemode BOOLEAN NOT NULL, 
	customer VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	"plan" TEXT NOT NULL, 
	since INTEGER NOT NULL, 
	ended_at INTEGER, 
	CONSTRAINT pk_standings PRIMARY KEY (id), 
	CONSTRAINT ck_standings_outcome CHECK (outcome IN ('failed', 'held', 'owed', 'partly_refunded', 'planned', 'refunded', 'skipped', 'unknown')), 
	CONSTRAINT fk_standings_run FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "standings" VALUES('case_h1','run_1','acct_1',0,'cus_8','usd','held','above_limit','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"candidates":[{"captured_minor":2000,"charge":"ch_1","created":1799910000,"invoice":"in_1","method":"card","refundable_minor":2000,"refunded_minor":0,"subscription":"sub_1"}],"credit_minor":1000,"currency":"usd","customer":"cus_8","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","excluded_minor":0,"held":false,"lots":[{"cause":"downgrade","created":1799913600,"invoice":"in_2","left_minor":1000,"opened_minor":1000,"origin":"proration","subscription":"sub_1","transaction":"cbtxn_lot"}],"named_lots":[{"amount_minor":1000,"part":null,"transaction":"cbtxn_lot"}],"numbers":{},"reason":null,"refundable_minor":1000,"refunds":[{"amount_minor":1000,"charge":"ch_1","invoice":"in_1","subscription":"sub_1"}]}',1800000000,NULL);
CREATE TABLE steps (
	case_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	target VARCHAR NOT NULL, 
	params TEXT NOT NULL, 
	before_minor INTEGER, 
	state VARCHAR NOT NULL, 
	intended_at INTEGER NOT NULL, 
	answered_at INTEGER, 
	stripe_id VARCHAR, 
	status VARCHAR, 
	ending_balance_minor INTEGER, 
	request_id VARCHAR, 
	code VARCHAR, 
	CONSTRAINT pk_steps PRIMARY KEY (case_id, step, attempt), 
	CONSTRAINT ck_steps_accepted_has_id CHECK (state <> 'accepted' OR stripe_id IS NOT NULL), 
	CONSTRAINT ck_steps_state CHECK (state IN ('accepted', 'intended', 'refused', 'unknown')), 
	CONSTRAINT ck_steps_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT ck_steps_attempt CHECK (attempt >= 1), 
	CONSTRAINT fk_steps_case_id FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT uq_steps_position UNIQUE (case_id, position), 
	CONSTRAINT uq_steps_key UNIQUE ("key")
);
INSERT INTO "steps" VALUES('case_1','reserve',1,1,'refund_worker:case_1:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_1"}}',-1000,'accepted',1800000000,1800000001,'cbtxn_1',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_1','refund:1',1,2,'refund_worker:case_1:refund:1:1',1000,'ch_1','{"amount":1000,"metadata":{"refund_worker_case":"case_1"}}',-1000,'accepted',1800000000,1800000001,'re_1','succeeded',NULL,'req_1',NULL);
INSERT INTO "steps" VALUES('case_2','reserve',1,1,'refund_worker:case_2:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_2"}}',-1000,'accepted',1800000000,1800000001,'cbtxn_2',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_2','refund:1',1,2,'refund_worker:case_2:refund:1:1',1000,'ch_1','{"amount":1000,"metadata":{"refund_worker_case":"case_2"}}',-1000,'accepted',1800000000,1800000020,'re_2','pending',NULL,'req_1',NULL);
INSERT INTO "steps" VALUES('case_3','reserve',1,1,'refund_worker:case_3:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_3"}}',-1000,'accepted',1800000000,1800000001,'cbtxn_3',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_3','refund:1',1,2,'refund_worker:case_3:refund:1:1',1000,'ch_1','{"amount":1000,"metadata":{"refund_worker_case":"case_3"}}',-1000,'accepted',1800000000,1800000030,'re_3','requires_action',NULL,'req_1',NULL);
INSERT INTO "steps" VALUES('case_4','reserve',1,1,'refund_worker:case_4:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_4"}}',-1000,'accepted',1800000000,1800000001,'cbtxn_4',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_4','refund:1',1,2,'refund_worker:case_4:refund:1:1',1000,'ch_1','{"amount":1000,"metadata":{"refund_worker_case":"case_4"}}',-1000,'accepted',1800000000,1800000040,'re_4','failed',NULL,'req_1',NULL);
INSERT INTO "steps" VALUES('case_4','recredit:1',1,3,'refund_worker:case_4:recredit:1:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_4"}}',-1000,'accepted',1800000000,1800000050,'cbtxn_r',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_5','reserve',1,1,'refund_worker:case_5:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_5"}}',-1000,'intended',1800000000,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('case_6','reserve',1,1,'refund_worker:case_6:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_6"}}',-1000,'accepted',1800000000,1800000001,'cbtxn_6',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_6','refund:1',1,2,'refund_worker:case_6:refund:1:1',1000,'ch_1','{"amount":1000,"metadata":{"refund_worker_case":"case_6"}}',-1000,'intended',1800000000,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('case_7','reserve',1,1,'refund_worker:case_7:reserve:1',1000,'cus_1','{"amount":1000,"metadata":{"refund_worker_case":"case_7"}}',-1000,'accepted',1800000000,1800000001,'cbtxn_7',NULL,0,'req_1',NULL);
INSERT INTO "steps" VALUES('case_7','refund:1',1,2,'refund_worker:case_7:refund:1:1',400,'ch_1','{"amount":400,"metadata":{"refund_worker_case":"case_7"}}',-400,'accepted',1800000000,1800000070,'re_7','pending',NULL,'req_1',NULL);
INSERT INTO "steps" VALUES('case_7','refund:2',1,3,'refund_worker:case_7:refund:2:1',600,'ch_1','{"amount":600,"metadata":{"refund_worker_case":"case_7"}}',-600,'intended',1800000000,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX ix_cases_customer ON cases (customer, opened_at, id);
CREATE INDEX ix_cases_opened_at ON cases (opened_at, id);
CREATE UNIQUE INDEX one_live_case ON cases (account, livemode, customer, currency) WHERE state IN ('closing', 'refunding', 'reserving');
CREATE INDEX ix_standings_since ON standings (since, id);
CREATE UNIQUE INDEX one_standing ON standings (account, livemode, customer, currency) WHERE ended_at IS NULL;
CREATE INDEX ix_audit_entries_case_id ON audit_entries (case_id, sequence);
CREATE INDEX ix_audit_entries_run ON audit_entries (run, sequence);
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit entries are never updated'); END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
    WHEN EXISTS (SELECT 1 FROM audit_entries WHERE sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'audit entries are never replaced'); END;
COMMIT;
