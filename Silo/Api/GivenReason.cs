namespace ControlPlane.Api;

/// <summary>The words in which an operator says why: they end up in histories, logs and lists.</summary>
internal static class GivenReason
{
    public const int LengthMax = 200;

    public static string Rule { get; } = $"reason must be 1 to {LengthMax} characters on one line";

    public static string RuleIfGiven { get; } = $"reason must be at most {LengthMax} characters on one line";

    /// <summary>Where nobody needs to say why, unless the access policy demands it.</summary>
    public static bool TryReadIfGiven(string given, out string reason) => (reason = given.Trim()).Length == 0 || TryRead(given, out reason);

    public static bool TryRead(string given, out string reason)
    {
        reason = given.Trim();
        return reason.Length is > 0 and <= LengthMax && !reason.Any(char.IsControl);
    }
}
