namespace ControlPlane.Adapters.Choria;

/// <summary>The <c>agents</c> of a client token, or the <c>acls</c> of a user, as the AAA service and nodes read them.</summary>
public static class ActionList
{
    private const string Everything = "*";

    /// <summary>
    /// Whether an action is on the list. Entries are looked at in their order; one that cannot be read ends the look, and allows nothing.
    /// </summary>
    public static bool Allows(IReadOnlyList<string> entries, string agent, string action)
    {
        foreach (var entry in entries)
        {
            if (entry == Everything)
            {
                return true;
            }

            if (!IsEntry(entry))
            {
                return false;
            }

            var dot = entry.IndexOf('.', StringComparison.Ordinal);
            if (entry.AsSpan(0, dot).SequenceEqual(agent) && entry.AsSpan(dot + 1) is var named
                && (named.SequenceEqual(Everything) || named.SequenceEqual(action)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether it is <c>*</c>, <c>agent.*</c> or <c>agent.action</c>; nodes refuse all to a token with another entry.</summary>
    public static bool IsEntry(string entry) => entry == Everything || entry.AsSpan().Count('.') == 1;
}
