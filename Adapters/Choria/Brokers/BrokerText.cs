namespace ControlPlane.Adapters.Choria;

/// <summary>Words of who connects, in the reasons that a broker logs.</summary>
internal static class BrokerText
{
    private const int CharactersMax = 128;

    /// <summary>The text, or a word in its place when it could not stand on one line of a log.</summary>
    public static string Shown(string text) =>
        text.Length <= CharactersMax && text.All(character => character is >= ' ' and <= '~' and not '\'') ? text : "(not shown)";
}
