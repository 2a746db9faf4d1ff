namespace ControlPlane.Placement;

/// <summary>
/// The nodes of one shard as they are stored: overlays and attributes, which repeat a great deal, once each; and who left it.
/// </summary>
/// <remarks>Restoring a million nodes would otherwise make two million texts that are thrown away at once.</remarks>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedShard")]
internal sealed record PackedShard([property: Id(0)] string[] Texts, [property: Id(1)] PackedNode[] Nodes)
{
    private const int None = -1;

    /// <summary>Null when it was stored before that was remembered.</summary>
    [Id(2)]
    public PackedDeparture[]? Departed { get; init; }

    public static PackedShard Of(IReadOnlyCollection<PlacedNode> nodes, IReadOnlyDictionary<string, DecisionStamp> departed)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var texts = new List<string>();
        var packed = new PackedNode[nodes.Count];
        var at = 0;
        foreach (var node in nodes)
        {
            packed[at++] = new PackedNode(
                node.Identity, node.Home is null
                    ? None
                    : NumberOf(node.Home), node.HomeAttempt, node.Held, NumberOf(node.Attributes), node.Declared, node.Trace,
                node.Decided, node.Keeper is null ? 0 : NumberOf(node.Keeper) + 1);
        }

        return new PackedShard([.. texts], packed)
        {
            Departed = [.. departed.Select(node => new PackedDeparture(node.Key, node.Value))],
        };

        int NumberOf(string text)
        {
            if (!numbers.TryGetValue(text, out var number))
            {
                numbers[text] = number = texts.Count;
                texts.Add(text);
            }

            return number;
        }
    }

    /// <param name="share">Gives the one instance of a text that all shards share.</param>
    public IEnumerable<PlacedNode> Unpack(Func<string, string> share)
    {
        var texts = Array.ConvertAll(Texts, text => share(text));
        foreach (var node in Nodes)
        {
            yield return new PlacedNode(
                node.Identity, node.Home == None
                    ? null
                    : texts[node.Home], node.HomeAttempt, node.Held, texts[node.Attributes], node.Declared, node.Trace)
            {
                Decided = node.Decided,
                Keeper = node.Keeper == 0 ? null : texts[node.Keeper - 1],
            };
        }
    }
}

/// <param name="Identity">The node's identity.</param>
/// <param name="Home">Number of the text; -1 for none.</param>
/// <param name="HomeAttempt">As <see cref="PlacedNode.HomeAttempt"/>.</param>
/// <param name="Held">As <see cref="PlacedNode.Held"/>.</param>
/// <param name="Attributes">Number of the text.</param>
/// <param name="Declared">As <see cref="PlacedNode.Declared"/>.</param>
/// <param name="Trace">As <see cref="PlacedNode.Trace"/>.</param>
/// <param name="Decided">As <see cref="PlacedNode.Decided"/>.</param>
/// <param name="Keeper">Number of the text, from 1; 0 for none, as in what was stored before there were keepers.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedNode")]
internal readonly record struct PackedNode(
    [property: Id(0)] string Identity,
    [property: Id(1)] int Home,
    [property: Id(2)] int HomeAttempt,
    [property: Id(3)] Reservation? Held,
    [property: Id(4)] int Attributes,
    [property: Id(5)] int Declared,
    [property: Id(6)] byte[] Trace,
    [property: Id(7)] DecisionStamp Decided,
    [property: Id(8)] int Keeper);

/// <param name="Identity">A node that left the fleet.</param>
/// <param name="Decided">When.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedDeparture")]
internal readonly record struct PackedDeparture([property: Id(0)] string Identity, [property: Id(1)] DecisionStamp Decided);
