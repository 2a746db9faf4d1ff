using System.Globalization;
using System.Text.Json;

namespace ControlPlane.Filters;

/// <summary>What a reply expression compares; null where the reply has no such value.</summary>
internal abstract record ReplyValue
{
    public abstract FactValue? In(ReplyFields reply);

    /// <summary>The value as a pattern sees it.</summary>
    public string? TextIn(ReplyFields reply) => In(reply) switch
    {
        null => null,
        { Kind: FactKind.Text } text => text.Text,
        { } other => other.ToJson(),
    };

    public static ReplyValue Of(string text) => new Constant(new FactValue(FactKind.Text, text, 0));

    public static ReplyValue Of(double number) => new Constant(new FactValue(FactKind.Number, "", number));

    public static ReplyValue Of(bool truth) => new Constant(OfTruth(truth));

    private static FactValue OfTruth(bool truth) => new(truth ? FactKind.True : FactKind.False, "", 0);

    public sealed record Constant(FactValue? Value) : ReplyValue
    {
        public override FactValue? In(ReplyFields reply) => Value;
    }

    public sealed record Code : ReplyValue
    {
        public override FactValue? In(ReplyFields reply) => reply.Code is { } code ? new FactValue(FactKind.Number, "", code) : null;
    }

    public sealed record Message : ReplyValue
    {
        public override FactValue? In(ReplyFields reply) => new FactValue(FactKind.Text, reply.Message, 0);
    }

    public sealed record Sender : ReplyValue
    {
        public override FactValue? In(ReplyFields reply) => new FactValue(FactKind.Text, reply.Sender, 0);
    }

    /// <summary>Whether the status is one of Choria's.</summary>
    public sealed record HasCode(int Status) : ReplyValue
    {
        public override FactValue? In(ReplyFields reply) => OfTruth(reply.Code == Status);
    }

    /// <summary>What lies at a path of the reply's data: names and positions, <c>#</c> for the length of a list.</summary>
    public sealed record DataAt(string Path) : ReplyValue
    {
        public override FactValue? In(ReplyFields reply)
        {
            var found = reply.Data;
            var names = FactPath.Split(Path);
            foreach (var (position, name) in names.Index())
            {
                if (found.ValueKind == JsonValueKind.Array && name == "#" && position == names.Count - 1)
                {
                    return new FactValue(FactKind.Number, "", found.GetArrayLength());
                }

                if (!TryStep(found, name, out found))
                {
                    return null;
                }
            }

            return FactValue.OfOrNull(found);
        }

        private static bool TryStep(JsonElement within, string name, out JsonElement found)
        {
            found = default;
            switch (within.ValueKind)
            {
                case JsonValueKind.Object:
                    return within.TryGetProperty(name, out found);
                case JsonValueKind.Array when int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                    && position < within.GetArrayLength():
                    found = within[position];
                    return true;
                default:
                    return false;
            }
        }
    }
}
