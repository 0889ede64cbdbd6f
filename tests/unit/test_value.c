#include "unit/template_case.h"
#include "text/value_json.h"

static void truth(void **state)
{
	const struct value nothing = VALUE_INVALID, nil = VALUE_NIL, one = value_int(1);
	const struct {
		struct value v;
		bool want;
	} cases[] = {
		{nothing, false},
		{nil, false},
		{value_bool(true), true},
		{value_int(0), false},
		{value_int(-1), true},
		{value_float(-0.0), false},
		{value_text(""), false},
		{value_text("false"), true},
		{value_duration(0), false},
		{value_list(&type_anys, NULL, 0), false},
		{value_list(&type_anys, &one, 1), true},
		{value_dict(&type_any_map, NULL, 0), false},
		{value_zero(&type_time), true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(value_is_true(&cases[i].v), cases[i].want);
}

static void maps_are_sorted_and_unique(void **state)
{
	struct entry v[] = {{STR("b"), value_int(1)},
			    {STR("a"), value_int(2)},
			    {STR("c"), value_int(3)}};
	struct value map = value_dict(&type_any_map, v, 3);

	(void)state;
	assert_true(str_is(map.map.v[0].key, "a") && str_is(map.map.v[2].key, "c"));
	assert_int_equal(value_find(&map, STR("b"))->value.i, 1);
	assert_null(value_find(&map, STR("bb")));
	assert_true(value_item(&map, 0).held); /* of interface type */
}

static void assigns_as_go_does(void **state)
{
	static const struct {
		const struct type *from, *to;
		bool want;
	} cases[] = {
		{&type_int, &type_any, true},
		{&type_int64, &type_int, false},
		{&type_html, &type_string, false},
		{&type_kv, &type_string_map, true},
		{&type_name_list, &type_string_list, true},
		{&type_string_list, &type_name_list, true},
		{&type_anys, &type_string_list, false},
		{&type_int64, &type_duration, false},
		{&type_alert_list, &type_alerts, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(type_is_assignable(cases[i].from, cases[i].to),
				 cases[i].want);
}

static void common_labels(void **state)
{
	static const struct label a[] = {
		{"alertname", "Up"}, {"env", "x"}, {"job", "node"}};
	static const struct label b[] = {
		{"alertname", "Up"}, {"env", "y"}, {"job", "node"}};
	struct arena mem = {0};
	struct value kvs[] = {value_kv(&mem, labels_new(&mem, a, 3, NULL)),
			      value_kv(&mem, labels_new(&mem, b, 3, NULL))};
	struct value common = notice_common(&mem, kvs, 2);

	(void)state;
	assert_int_equal(value_count(&common), 2);
	assert_true(str_is(value_kv_get(&common, STR("job")), "node"));
	assert_true(str_is(notice_receiver(&mem, STR("ops.web")), "ops\\.web"));
	arena_free(&mem);
}

static void prints_json(void **state)
{
	struct value items[] = {value_float(1e6), VALUE_NIL, value_text("<\x01\xff>")};
	struct entry entries[] = {{STR("l"), value_list(&type_anys, items, 3)},
				  {STR("d"), value_duration(5)},
				  {STR("n"), value_zero(&type_anys)}};
	struct value map = value_dict(&type_any_map, entries, 3),
		     nan = value_float(0.0 / 0.0);
	struct arena mem = {0};
	struct buf b = BUF(4096);

	(void)state;
	assert_null(buf_add_json_value(&b, &mem, &map));
	check_text("map",
		   "{\"d\":5,\"l\":[1000000,null,\"\\u003c\\u0001\\ufffd\\u003e\"],\"n\":"
		   "null}",
		   buf_text(&b));
	assert_non_null(strstr(buf_add_json_value(&b, &mem, &nan), "unsupported value: "));
	buf_free(&b);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth),
		cmocka_unit_test(maps_are_sorted_and_unique),
		cmocka_unit_test(assigns_as_go_does),
		cmocka_unit_test(common_labels),
		cmocka_unit_test(prints_json),
	};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
