namespace ControlPlane.Placement;

/// <summary>One group and where its members are. Derived from the nodes and the policy, so never stored.</summary>
internal sealed class GroupEntry(string id, int rule)
{
    private readonly List<(OverlayEntry Overlay, int Count)> places = [];
    private readonly List<(int Size, int Members)> declarations = [];

    /// <summary>The rule's name and the key's values, e.g. <c>customer-service/acme:shop</c>.</summary>
    public string Id { get; } = id;

    /// <summary>Index of its rule in the policy.</summary>
    public int Rule { get; } = rule;

    public int Members { get; private set; }

    /// <summary>The largest size that one of its members declared.</summary>
    public int Declared { get; private set; }

    /// <summary>Set while a plan moves the group, so that newcomers go where it will be.</summary>
    public OverlayEntry? Target { get; set; }

    public OverlayEntry? Home { get; private set; }

    public OverlayEntry? Lives => Target ?? Home;

    public int Promise => Math.Max(0, Declared - Members);

    public IReadOnlyList<(OverlayEntry Overlay, int Count)> Places => places;

    public bool IsSplit => places.Count > 1;

    public int CountIn(OverlayEntry overlay)
    {
        foreach (var place in places)
        {
            if (ReferenceEquals(place.Overlay, overlay))
            {
                return place.Count;
            }
        }

        return 0;
    }

    /// <summary>Counts what a member declared, or that it takes it with it: what is left must not depend on who was here before.</summary>
    public void Declare(int size, int delta)
    {
        var at = declarations.FindIndex(declaration => declaration.Size == size);
        if (at < 0)
        {
            declarations.Add((size, delta));
        }
        else if (declarations[at].Members + delta == 0)
        {
            declarations.RemoveAt(at);
        }
        else
        {
            declarations[at] = (size, declarations[at].Members + delta);
        }

        Declared = 0;
        foreach (var declaration in declarations)
        {
            Declared = Math.Max(Declared, declaration.Size);
        }
    }

    public void Add(OverlayEntry overlay, int delta)
    {
        Members += delta;
        var at = places.FindIndex(place => ReferenceEquals(place.Overlay, overlay));
        if (at < 0)
        {
            places.Add((overlay, delta));
        }
        else if (places[at].Count + delta == 0)
        {
            places.RemoveAt(at);
        }
        else
        {
            places[at] = (overlay, places[at].Count + delta);
        }

        // The largest part is the home; the name decides between equals so that a rebuild finds the same one.
        Home = null;
        var most = 0;
        foreach (var (place, count) in places)
        {
            // Nobody goes to a retired overlay any more: what is left there does not hold the rest of the group.
            if (place is { State: OverlayState.Retired } or { IsConfigured: false })
            {
                continue;
            }

            if (count > most || (count == most && string.CompareOrdinal(place.Name, Home!.Name) < 0))
            {
                (Home, most) = (place, count);
            }
        }
    }
}
