namespace ControlPlane.Certificates;

public sealed class RejectedKeysTests : IDisposable
{
    private readonly string list = Path.GetTempFileName() + ".dat";
    private readonly string lines = Path.GetTempFileName();

    public void Dispose()
    {
        File.Delete(list);
        File.Delete(lines);
    }

    [Fact]
    public void Read_NamesTheFileAndWhatIsWrong_WhenItIsNoList()
    {
        File.WriteAllBytes(list, new byte[17]);
        AssertRefused("has 17 bytes");

        File.WriteAllBytes(list, []);
        AssertRefused("has 0 bytes");

        File.WriteAllBytes(list, [.. Enumerable.Repeat((byte)2, 16), .. Enumerable.Repeat((byte)1, 16)]);
        AssertRefused("entry 1 is less");

        void AssertRefused(string fault) => AssertRefusedAt(list, fault);
    }

    [Fact]
    public void Read_NamesTheLine_WhenItIsNoKey()
    {
        File.WriteAllText(lines, "# a comment\n0123456789abcdef0123\nnot a key\n");

        AssertRefusedAt(lines, "line 3");
    }

    private static void AssertRefusedAt(string path, string fault)
    {
        var wrong = Assert.Throws<FormatException>(() => RejectedKeys.Read(new CertificatesOptions { RejectedKeysFiles = [path] }));
        Assert.StartsWith($"{path}: ", wrong.Message, StringComparison.Ordinal);
        Assert.Contains(fault, wrong.Message, StringComparison.Ordinal);
    }
}
