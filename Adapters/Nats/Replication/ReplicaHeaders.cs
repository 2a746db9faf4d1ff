using System.Globalization;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>What a copy says besides what its producer said.</summary>
/// <remarks>
/// A producer's headers are kept under their names, except those by which a JetStream server would do something with the copy: a message id
/// that came again after the source's duplicate window would be dropped, an expected sequence refused, a roll-up carried out. These are
/// kept with a prefix.
/// </remarks>
public static class ReplicaHeaders
{
    /// <summary>Where a copy comes from: see <see cref="ReplicaCursor.ToHeader"/>.</summary>
    public const string Source = "ControlPlane-Source";

    /// <summary>Of a gap record: its reason. A copy has none.</summary>
    public const string Gap = "ControlPlane-Gap";

    /// <summary>Before the names of headers that are kept and must not be heeded.</summary>
    public const string Kept = "ControlPlane-Kept-";

    /// <summary>Where a copy comes from in the words of Choria's Stream Replicator.</summary>
    public const string ChoriaSource = "Choria-SR-Source";

    private const string Servers = "Nats-";

    /// <summary>The headers of the copy of a message.</summary>
    public static NatsHeaders Of(ReplicaSettings settings, ReplicaCursor cursor, NatsHeaders? original)
    {
        var headers = new NatsHeaders
        {
            [Source] = cursor.ToHeader(settings.Name, settings.Source),
            [ChoriaSource] = string.Create(
                CultureInfo.InvariantCulture,
                $"{settings.Source} {cursor.Sequence} {settings.Replicator} {settings.Name} {cursor.StoredAt?.ToUnixTimeMilliseconds() ?? 0}"),
        };
        foreach (var (name, value) in original ?? [])
        {
            headers[IsOurs(name) ? Kept + name : name] = value;
        }

        return headers;
    }

    /// <summary>The headers of the message that a copy was made of, by name.</summary>
    public static IEnumerable<KeyValuePair<string, string>> OriginalOf(NatsHeaders? copied) =>
        from header in copied ?? []
        let isKept = header.Key.StartsWith(Kept, StringComparison.Ordinal)
        where isKept || !IsOurs(header.Key)
        select new KeyValuePair<string, string>(isKept ? header.Key[Kept.Length..] : header.Key, header.Value.ToString());

    private static bool IsOurs(string name) =>
        name is Source or Gap or ChoriaSource
        || name.StartsWith(Servers, StringComparison.OrdinalIgnoreCase)
        || name.StartsWith(Kept, StringComparison.Ordinal);
}
