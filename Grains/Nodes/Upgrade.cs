using System.Text.Json;
using System.Text.RegularExpressions;

namespace ControlPlane.Nodes;

/// <summary>Decides whether a node updates itself before it is configured. Pure.</summary>
internal static partial class Upgrade
{
    /// <summary>A node that was told so often to become a version, and still is another, does not become it.</summary>
    private const int TimesMax = 3;

    /// <param name="wanted">The version that it shall run; empty for any.</param>
    /// <param name="inventoryJson">What the node says of itself.</param>
    /// <param name="asked">What it was told in this enrolment; null when nothing.</param>
    /// <param name="options">From where, and whether it must.</param>
    public static UpgradeVerdict Judge(string wanted, string inventoryJson, UpgradeAsked? asked, UpgradeOptions options)
    {
        if (wanted.Length == 0 || options.Repository is null)
        {
            return new UpgradeVerdict(null);
        }

        using var inventory = JsonDocument.Parse(inventoryJson);
        var runs = inventory.RootElement.TryGetProperty("version", out var version) ? version.ToString() : "";
        var order = Compare(wanted, runs);
        if (order == 0 || (order < 0 && !options.AllowDowngrade))
        {
            return new UpgradeVerdict(null, order < 0 ? $"it runs {runs}, and is not taken back to {wanted}" : null);
        }

        var obstacle = !inventory.RootElement.TryGetProperty("upgradable", out var upgradable) || upgradable.ValueKind != JsonValueKind.True
            ? $"it may not update itself from {runs} to {wanted}: its provisioning token does not allow it"
            : asked?.Version == wanted && asked.Times >= TimesMax
                ? $"it was told {TimesMax} times to update itself to {wanted}, and still runs {runs}"
                : null;
        return obstacle is null ? new UpgradeVerdict(wanted)
            : options.Optional ? new UpgradeVerdict(null, obstacle)
            : new UpgradeVerdict(null) { Obstacle = obstacle };
    }

    /// <summary>Which of two versions is newer, as Choria Provisioner and RPM compare them: 1 for the first, -1 for the second.</summary>
    public static int Compare(string one, string other)
    {
        var (left, right) = (Split(one), Split(other));
        return left.Epoch != right.Epoch ? left.Epoch.CompareTo(right.Epoch)
            : CompareParts(left.Version, right.Version) is var order and not 0 ? order
            : CompareParts(left.Release, right.Release);
    }

    private static (int Epoch, string Version, string Release) Split(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var epoch = colon >= 0 && int.TryParse(text.AsSpan(0, colon), out var number) ? number : 0;
        var rest = text[(colon + 1)..];
        var dash = rest.IndexOf('-', StringComparison.Ordinal);
        return dash < 0 ? (epoch, rest, "") : (epoch, rest[..dash], rest[(dash + 1)..]);
    }

    // Runs of digits are numbers and newer than words; a tilde is older than anything, the end included; the longer of equals is newer.
    private static int CompareParts(string one, string other)
    {
        var (left, right) = (Part().Matches(one), Part().Matches(other));
        for (var i = 0; i < Math.Max(left.Count, right.Count); i++)
        {
            var (a, b) = (i < left.Count ? left[i].Value : "", i < right.Count ? right[i].Value : "");
            var order = a == b ? 0 : Rank(a) != Rank(b) ? Rank(a).CompareTo(Rank(b)) : CompareLike(a, b);
            if (order != 0)
            {
                return Math.Sign(order);
            }
        }

        return 0;
    }

    private static int Rank(string part) => part switch
    {
        "~" => 0,
        "" => 1,
        _ when char.IsAsciiLetter(part[0]) => 2,
        _ => 3,
    };

    private static int CompareLike(string a, string b)
    {
        var (one, other) = char.IsAsciiDigit(a[0]) ? (a.TrimStart('0'), b.TrimStart('0')) : (a, b);
        return char.IsAsciiDigit(a[0]) && one.Length != other.Length
            ? one.Length.CompareTo(other.Length)
            : string.CompareOrdinal(one, other);
    }

    [GeneratedRegex("[a-zA-Z]+|[0-9]+|~")]
    private static partial Regex Part();
}

/// <param name="Version">What it updates itself to now; null when it does not.</param>
/// <param name="Note">Why not, for its history; null when there is nothing to say.</param>
internal sealed record UpgradeVerdict(string? Version, string? Note = null)
{
    /// <summary>Why it cannot, though it must; null when nothing is in the way.</summary>
    public string? Obstacle { get; init; }
}

/// <param name="Version">What it was told to become.</param>
/// <param name="Times">How often, since it last arrived.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.UpgradeAsked")]
internal sealed record UpgradeAsked([property: Id(0)] string Version, [property: Id(1)] int Times);
