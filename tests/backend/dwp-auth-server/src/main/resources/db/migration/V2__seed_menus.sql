-- Data only: the menu tree of tenant 1.
INSERT INTO sys_menus (tenant_id, menu_key, parent_key, label, sort_order) VALUES
    (1, 'menu.home',            NULL,         '홈',           10),
    (1, 'menu.mail',            NULL,         '메일',         20),
    (1, 'menu.chat',            NULL,         '채팅',         30),
    (1, 'menu.approval',        NULL,         '결재; 승인',   40),
    (1, 'menu.admin',           NULL,         '관리',         90),
    (1, 'menu.admin.users',     'menu.admin', '사용자',       91),
    (1, 'menu.admin.monitoring','menu.admin', '모니터링',     92);
