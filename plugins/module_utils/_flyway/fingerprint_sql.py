# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue queries of the fingerprint. Each gives (kind, identity, definition), all text, without OIDs.

`%(skip)s` are schemas and `%(history)s` is the OID of the history table (0: none) that do not belong to the picture.
Members of extensions are left out: the extension's version stands for them. So are options that begin with pg_, which
the server sets itself and which change when an object is made anew.
"""

from __future__ import annotations

# Conditions that every query shares. {oid} and {class} are the object, {schema} its schema's name.
_OWN = (
    "{schema} NOT LIKE 'pg\\_%%' AND {schema} <> 'information_schema' AND {schema} <> ALL (%(skip)s) "
    "AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{cls}'::regclass AND e.objid = {oid} "
    "AND e.deptype = 'e')"
)


def _own(cls: str, oid: str, schema: str = "n.nspname") -> str:
    return _OWN.format(cls=cls, oid=oid, schema=schema)


_NAME = "format('%%I.%%I', n.nspname, c.relname)"
_ACL = "format('%%s=%%s%%s', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type, " \
       "CASE WHEN is_grantable THEN '*' ELSE '' END)"  # fmt: skip
_SORTED_ACL = f"(SELECT string_agg({_ACL}, ' ' ORDER BY {_ACL}) FROM aclexplode({{acl}}))"


def _acl(acl: str) -> str:
    return _SORTED_ACL.format(acl=acl)


_RELATIONS = f"""
SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence'
         WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END, {_NAME},
  concat_ws(' ', 'kind=' || c.relkind::text, 'owner=' || quote_ident(pg_get_userbyid(c.relowner)),
    'persistence=' || c.relpersistence::text,
    'rls=' || c.relrowsecurity || '/' || c.relforcerowsecurity, 'identity=' || c.relreplident::text,
    'options=' || (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(c.reloptions) o WHERE o NOT LIKE 'pg\\_%%'),
    'partition key ' || pg_get_partkeydef(c.oid), 'bound ' || pg_get_expr(c.relpartbound, c.oid),
    'inherits ' || (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
                    FROM pg_inherits i WHERE i.inhrelid = c.oid),
    'of ' || CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
    (SELECT 'tablespace=' || t.spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace),
    CASE WHEN c.relkind = 'm' THEN 'populated=' || c.relispopulated END,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.oid <> %(history)s AND {_own("pg_class", "c.oid")}"""

_COLUMNS = f"""
SELECT 'column', {_NAME} || '.' || quote_ident(a.attname),
  concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
    CASE a.attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' || a.attgenerated::text || ' ' END
      || pg_get_expr(d.adbin, d.adrelid),
    'IDENTITY ' || nullif(a.attidentity::text, ''), CASE WHEN a.attinhcount > 0 THEN 'inherited' END,
    (SELECT 'COLLATE ' || quote_ident(l.collname) FROM pg_collation l, pg_type y
      WHERE l.oid = a.attcollation AND y.oid = a.atttypid AND y.typcollation <> a.attcollation),
    CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END,
    'STATISTICS ' || CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
    'options=' || (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\\_%%'))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.oid <> %(history)s
  AND {_own("pg_class", "c.oid")}"""

_TYPES = f"""
SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%%I.%%I', n.nspname, t.typname),
  concat_ws(' ', 'kind=' || t.typtype::text, 'owner=' || quote_ident(pg_get_userbyid(t.typowner)),
    (SELECT 'enum ' || string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder)
       FROM pg_enum e WHERE e.enumtypid = t.oid),
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull
      THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || t.typdefault, '') END,
    (SELECT 'range of ' || format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0 AND {_own("pg_type", "t.oid")}"""

_CONSTRAINTS = f"""
SELECT 'constraint', coalesce({_NAME}, format('%%I.%%I', n.nspname, t.typname)) || '.' || quote_ident(k.conname),
  concat_ws(' ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END,
    CASE WHEN k.condeferrable THEN 'deferrable ' || k.condeferred END)
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_type t ON t.oid = k.contypid
WHERE k.contype <> 't' AND k.conrelid <> %(history)s AND {_own("pg_constraint", "k.oid")}
  AND (c.oid IS NULL OR {_own("pg_class", "c.oid")})"""

_INDEXES = f"""
SELECT 'index', {_NAME}, concat_ws(' ', pg_get_indexdef(c.oid), CASE WHEN NOT i.indisvalid THEN 'INVALID' END,
  CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid <> %(history)s AND {_own("pg_class", "i.indrelid")}"""

_TRIGGERS = f"""
SELECT 'trigger', {_NAME} || '.' || quote_ident(g.tgname), pg_get_triggerdef(g.oid) || ' enabled=' || g.tgenabled::text
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND c.oid <> %(history)s AND {_own("pg_class", "c.oid")}"""

_RULES = f"""
SELECT 'rule', {_NAME} || '.' || quote_ident(r.rulename), pg_get_ruledef(r.oid) || ' enabled=' || r.ev_enabled::text
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND c.oid <> %(history)s AND {_own("pg_class", "c.oid")}"""

_FUNCTIONS = f"""
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
  format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
  concat_ws(' ', 'owner=' || quote_ident(pg_get_userbyid(p.proowner)), 'returns ' || pg_get_function_result(p.oid),
    'md5=' || md5(CASE WHEN p.prokind = 'a' THEN (SELECT concat_ws('|', a.aggtransfn::text, a.aggfinalfn::text,
      a.aggcombinefn::text, format_type(a.aggtranstype, NULL), a.agginitval) FROM pg_aggregate a
      WHERE a.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {_own("pg_proc", "p.oid")}"""

_POLICIES = f"""
SELECT 'policy', {_NAME} || '.' || quote_ident(p.polname),
  concat_ws(' ', 'command=' || p.polcmd::text, 'permissive=' || p.polpermissive,
    'roles=' || (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END, ',' ORDER BY 1)
                 FROM unnest(p.polroles) r),
    'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> %(history)s AND {_own("pg_class", "c.oid")}"""

_RELATION_ACL = _acl("coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner))")
_GRANTS = f"""
SELECT 'grants', 'relation ' || {_NAME}, {_RELATION_ACL}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.oid <> %(history)s AND {_own("pg_class", "c.oid")}
UNION ALL
SELECT 'grants', 'column ' || {_NAME} || '.' || quote_ident(a.attname), {_acl("a.attacl")}
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE cardinality(a.attacl) > 0 AND NOT a.attisdropped AND c.oid <> %(history)s
  AND {_own("pg_class", "c.oid")}
UNION ALL
SELECT 'grants', format('function %%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
  {_acl("coalesce(p.proacl, acldefault('f', p.proowner))")}
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_own("pg_proc", "p.oid")}
UNION ALL
SELECT 'grants', format('type %%I.%%I', n.nspname, t.typname), {_acl("coalesce(t.typacl, acldefault('T', t.typowner))")}
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0 AND {_own("pg_type", "t.oid")}
UNION ALL
SELECT 'grants', 'schema ' || quote_ident(n.nspname), {_acl("coalesce(n.nspacl, acldefault('n', n.nspowner))")}
FROM pg_namespace n WHERE {_own("pg_namespace", "n.oid")}
UNION ALL
SELECT 'grants', format('default %%s %%s %%s', pg_get_userbyid(d.defaclrole),
  coalesce(d.defaclnamespace::regnamespace::text, ''), d.defaclobjtype), {_acl("d.defaclacl")} FROM pg_default_acl d"""

_SEQUENCES = f"""
SELECT 'sequence parameters', {_NAME}, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement,
  s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
  (SELECT 'owned by ' || d.refobjid::regclass || '.' || quote_ident(a.attname) FROM pg_depend d JOIN pg_attribute a
    ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') LIMIT 1))
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_own("pg_class", "c.oid")}"""

_SCHEMAS = f"""
SELECT 'schema', quote_ident(n.nspname), 'owner=' || quote_ident(pg_get_userbyid(n.nspowner))
FROM pg_namespace n WHERE {_own("pg_namespace", "n.oid")}
UNION ALL
SELECT 'extension', quote_ident(e.extname), e.extversion || ' in ' || e.extnamespace::regnamespace
FROM pg_extension e"""

_COMMENTS = """
SELECT 'comment', i.type || ' ' || i.identity, d.description
FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= 16384 AND NOT (d.classoid = 'pg_class'::regclass AND d.objoid = %(history)s)
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
  AND coalesce(i.schema, CASE i.type WHEN 'schema' THEN i.identity END, '') NOT LIKE 'pg\\_%%'
  AND coalesce(i.schema, CASE i.type WHEN 'schema' THEN i.identity END, '') <> ALL (%(skip)s)"""

_OTHERS = f"""
SELECT 'statistics', format('%%I.%%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid)
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {_own("pg_statistic_ext", "s.oid")}
UNION ALL
SELECT 'event trigger', quote_ident(v.evtname), concat_ws(' ', v.evtevent, v.evtfoid::regprocedure, v.evtenabled,
  array_to_string(v.evttags, ',')) FROM pg_event_trigger v WHERE v.oid >= 16384
UNION ALL
SELECT 'publication', quote_ident(p.pubname), concat_ws(' ', 'all=' || p.puballtables, p.pubinsert, p.pubupdate,
  p.pubdelete, (SELECT string_agg(r.prrelid::regclass::text, ',' ORDER BY r.prrelid::regclass::text)
    FROM pg_publication_rel r WHERE r.prpubid = p.oid)) FROM pg_publication p
UNION ALL
SELECT 'cast', format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL),
  concat_ws(' ', c.castcontext, c.castmethod, c.castfunc::regprocedure) FROM pg_cast c
WHERE c.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_cast'::regclass
  AND e.objid = c.oid AND e.deptype = 'e')
UNION ALL
SELECT 'operator', format('%%I.%%s(%%s,%%s)', n.nspname, o.oprname, format_type(nullif(o.oprleft, 0), NULL),
  format_type(nullif(o.oprright, 0), NULL)), o.oprcode::text
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {_own("pg_operator", "o.oid")}
UNION ALL
SELECT 'collation', format('%%I.%%I', n.nspname, l.collname), concat_ws(' ', l.collprovider, l.collcollate)
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE {_own("pg_collation", "l.oid")}
UNION ALL
SELECT 'foreign server', quote_ident(s.srvname), array_to_string(s.srvoptions, ',') FROM pg_foreign_server s"""

QUERIES = (
    _SCHEMAS,
    _RELATIONS,
    _COLUMNS,
    _TYPES,
    _CONSTRAINTS,
    _INDEXES,
    _TRIGGERS,
    _RULES,
    _FUNCTIONS,
    _POLICIES,
    _GRANTS,
    _SEQUENCES,
    _COMMENTS,
    _OTHERS,
)
