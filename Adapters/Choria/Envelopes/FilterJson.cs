namespace ControlPlane.Adapters.Choria;

internal static class FilterJson
{
    private static readonly string[] Operators = ["==", "!=", "<", "<=", ">", ">=", "=~"];

    // All five, because a node that misses one executes the action and then cannot build its reply.
    private static readonly WireFields FieldsV1 = new(["fact", "cf_class", "agent", "identity", "compound"], [], "envelope.filter.");
    private static readonly WireFields FieldsV2 = new(["fact", "cf_class", "agent", "identity", "compound"], [], "filter.");
    private static readonly WireFields FactFields = new(["fact", "operator", "value"], [], "filter.fact.");
    private static readonly WireFields CompoundFields = new(["expr"], [], "filter.compound.");

    public static void Write(WireWriter writer, ChoriaFilter filter)
    {
        writer.Raw("{\"fact\":["u8);
        for (var index = 0; index < filter.Facts.Count; index++)
        {
            var fact = filter.Facts[index];
            writer.Raw(index > 0 ? ","u8 : []).Raw("{\"fact\":"u8).Text(fact.Fact);
            writer.Raw(",\"operator\":"u8).Text(fact.Operator).Raw(",\"value\":"u8).Text(fact.Value).Raw("}"u8);
        }

        writer.Raw("],\"cf_class\":"u8).Texts(filter.Classes).Raw(",\"agent\":"u8).Texts(filter.Agents);
        writer.Raw(",\"identity\":"u8).Texts(filter.Identities).Raw(",\"compound\":["u8);
        for (var index = 0; index < filter.Expressions.Count; index++)
        {
            writer.Raw(index > 0 ? ","u8 : []).Raw("[{\"expr\":"u8).Text(filter.Expressions[index]).Raw("}]"u8);
        }

        writer.Raw("]}"u8);
    }

    public static ChoriaFilter Read(ref WireCursor cursor, ChoriaProtocol version)
    {
        var filter = ChoriaFilter.Everyone;
        var seen = 0u;
        cursor.ExpectObject();
        while (cursor.NextField(version == ChoriaProtocol.V1 ? FieldsV1 : FieldsV2, ref seen))
        {
            filter = cursor.Field switch
            {
                "fact" => ReadFacts(ref cursor, filter),
                "cf_class" => cursor.ReadStrings() is { Count: > 0 } classes ? filter with { Classes = classes } : filter,
                "agent" => cursor.ReadStrings() is { Count: > 0 } agents ? filter with { Agents = agents } : filter,
                "identity" => cursor.ReadStrings() is { Count: > 0 } identities ? filter with { Identities = identities } : filter,
                _ => ReadExpressions(ref cursor, filter),
            };
        }

        return filter;
    }

    private static ChoriaFilter ReadFacts(ref WireCursor cursor, ChoriaFilter filter)
    {
        List<FactFilter>? facts = null;
        cursor.ExpectArray();
        while (cursor.NextElement())
        {
            (facts ??= []).Add(ReadFact(ref cursor));
        }

        return facts is null ? filter : filter with { Facts = facts };
    }

    private static FactFilter ReadFact(ref WireCursor cursor)
    {
        var (fact, comparison, value) = ("", "", "");
        var seen = 0u;
        cursor.ExpectObject();
        while (cursor.NextField(FactFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "fact":
                    fact = cursor.ReadNonEmptyString();
                    break;
                case "operator":
                    comparison = cursor.ReadString();
                    if (!Operators.Contains(comparison))
                    {
                        throw cursor.Fault("is not an operator");
                    }

                    break;
                default:
                    value = cursor.ReadNonEmptyString();
                    break;
            }
        }

        return new FactFilter(fact, comparison, value);
    }

    private static ChoriaFilter ReadExpressions(ref WireCursor cursor, ChoriaFilter filter)
    {
        List<string>? expressions = null;
        cursor.ExpectArray();
        while (cursor.NextElement())
        {
            cursor.ExpectArray();
            while (cursor.NextElement())
            {
                var seen = 0u;
                cursor.ExpectObject();
                while (cursor.NextField(CompoundFields, ref seen))
                {
                    (expressions ??= []).Add(cursor.ReadString());
                }
            }
        }

        return expressions is null ? filter : filter with { Expressions = expressions };
    }
}
